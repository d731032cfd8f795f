// One block: what it says of itself, its transactions, and the way to its neighbours.
import { api } from '@/api/client';
import { ApiError } from '@/api/problem';
import { useResource } from '@/api/resource';
import type { BlockView as Block } from '@/api/types';
import { Link, type ViewProps } from '@/app/router';
import { useLanguage, useMessages } from '@/i18n';
import { formatNumber } from '@/i18n/format';
import { ButtonLink } from '@/ui/Button';
import { CopyButton } from '@/ui/Copy';
import { Facts } from '@/ui/Facts';
import { EmptyState, ProblemNote, Skeleton } from '@/ui/Notes';
import { Page, Section } from '@/ui/Page';
import { Bytes, Count, Moment } from '@/ui/Values';
import { GasUsed } from './Blocks';
import styles from './ChainView.module.css';

export function Hash({ hash, what, to }: { hash: string; what: string; to?: string }) {
  return (
    <span className={styles.hash}>
      {to ? (
        <Link to={to}>
          <code>{hash}</code>
        </Link>
      ) : (
        <code>{hash}</code>
      )}
      <CopyButton text={hash} what={what} />
    </span>
  );
}

function Loaded({ block }: { block: Block }) {
  const m = useMessages();
  const c = m.chain;
  return (
    <>
      <Section title={c.about}>
        <div className={styles.body}>
          <Facts
            columns
            facts={[
              [c.when, <Moment key="at" at={block.at} />],
              [c.hash, <Hash key="hash" hash={block.hash} what={c.hash} />],
              [
                c.parent,
                block.number === 0 ? (
                  '–'
                ) : (
                  <Hash key="parent" hash={block.parent} what={c.parent} to={`/chain/blocks/${block.number - 1}`} />
                ),
              ],
              [c.proposer, <Hash key="proposer" hash={block.proposer} what={c.proposer} />],
              [c.gas, <GasUsed key="gas" block={block} />],
              [c.gasLimit, <Count key="limit" value={block.gas_limit} />],
              [c.size, <Bytes key="size" bytes={block.bytes} />],
            ]}
          />
        </div>
      </Section>
      <Section title={c.transactionsOf(block.transactions.length)}>
        {block.transactions.length === 0 ? (
          <p className={styles.hint}>{c.noTransactions}</p>
        ) : (
          <ul className={styles.list}>
            {block.transactions.map((hash) => (
              <li key={hash}>
                <Hash hash={hash} what={c.hash} to={`/chain/transactions/${hash}`} />
              </li>
            ))}
          </ul>
        )}
      </Section>
    </>
  );
}

export default function BlockView({ params }: ViewProps) {
  const m = useMessages();
  const c = m.chain;
  const language = useLanguage();
  const id = params.id!;
  const { data, failure, reload } = useResource(`chain/block/${id}`, (signal) => api.block(id, { signal }));
  const chain = useResource('chain', (signal) => api.chain({ signal }));
  const height = chain.data?.height ?? 0;
  if (!data && failure instanceof ApiError && failure.status === 404) {
    return (
      <EmptyState icon="search" title={c.noBlock} action={<ButtonLink to="/chain">{c.back}</ButtonLink>}>
        {c.noBlockDetail}
      </EmptyState>
    );
  }
  const name = data ? formatNumber(data.number, language) : id.slice(0, 10);
  return (
    <Page
      title={`${c.block} ${name}`}
      actions={
        <>
          <ButtonLink kind="quiet" icon="arrowLeft" to="/chain">
            {c.back}
          </ButtonLink>
          {data && data.number > 0 && <ButtonLink to={`/chain/blocks/${data.number - 1}`}>{c.previous}</ButtonLink>}
          {data && data.number < height && <ButtonLink to={`/chain/blocks/${data.number + 1}`}>{c.next}</ButtonLink>}
        </>
      }
    >
      {failure && <ProblemNote failure={failure} onRetry={reload} />}
      {data ? <Loaded block={data} /> : !failure && <Skeleton height={320} />}
    </Page>
  );
}
