// One transaction: who called what, whether it went through, and what it did in words.
import { api } from '@/api/client';
import { ApiError } from '@/api/problem';
import { useResource } from '@/api/resource';
import type { TransactionView as Transaction } from '@/api/types';
import { Link, type ViewProps } from '@/app/router';
import { useLanguage, useMessages } from '@/i18n';
import { formatAmount, shortId } from '@/i18n/format';
import { Badge } from '@/ui/Badge';
import { ButtonLink } from '@/ui/Button';
import { Facts } from '@/ui/Facts';
import { EmptyState, ProblemNote, Skeleton } from '@/ui/Notes';
import { Page, Section } from '@/ui/Page';
import { Count } from '@/ui/Values';
import { Hash } from './BlockView';
import styles from './ChainView.module.css';

/** A transaction's own value is in the chain's coin, which has 18 decimals on every chain of this kind. */
const NATIVE_DECIMALS = 18;

function Loaded({ transaction }: { transaction: Transaction }) {
  const m = useMessages();
  const c = m.chain;
  const language = useLanguage();
  return (
    <>
      <Section title={c.about}>
        <div className={styles.body}>
          <Facts
            columns
            facts={[
              [
                c.outcome,
                <Badge key="outcome" icon={transaction.ok ? 'check' : 'close'} tone={transaction.ok ? 'ok' : 'bad'}>
                  {transaction.ok ? c.succeeded : c.reverted}
                </Badge>,
              ],
              [c.method, transaction.method ? <code key="method">{transaction.method}</code> : '–'],
              [
                c.block,
                <Link key="block" to={`/chain/blocks/${transaction.block}`}>
                  <Count value={transaction.block} />
                </Link>,
              ],
              [c.hash, <Hash key="hash" hash={transaction.hash} what={c.hash} />],
              [c.from, <Hash key="from" hash={transaction.from} what={c.from} />],
              [c.to, transaction.to ? <Hash key="to" hash={transaction.to} what={c.to} /> : c.creates],
              [c.value, `${formatAmount(transaction.value, NATIVE_DECIMALS, language)} ${m.wallet.coin}`],
              [c.gas, <Count key="gas" value={transaction.gas_used} />],
            ]}
          />
        </div>
      </Section>
      <Section title={c.events}>
        {transaction.events.length === 0 ? (
          <p className={styles.hint}>{c.noEvents}</p>
        ) : (
          <ol className={styles.list}>
            {transaction.events.map((event, index) => (
              // The order of events in a transaction never changes.
              // biome-ignore lint/suspicious/noArrayIndexKey: two events of a transaction may read alike
              <li key={index} className={styles.event}>
                <strong>{event.name}</strong>
                <span>{event.text}</span>
              </li>
            ))}
          </ol>
        )}
      </Section>
    </>
  );
}

export default function TransactionView({ params }: ViewProps) {
  const m = useMessages();
  const c = m.chain;
  const hash = params.hash!;
  const { data, failure, reload } = useResource(`chain/transaction/${hash}`, (signal) =>
    api.transaction(hash, { signal }),
  );
  if (!data && failure instanceof ApiError && failure.status === 404) {
    return (
      <EmptyState icon="search" title={c.noTransaction} action={<ButtonLink to="/chain">{c.back}</ButtonLink>}>
        {c.noTransactionDetail}
      </EmptyState>
    );
  }
  return (
    <Page
      title={`${c.transaction} ${shortId(hash)}`}
      actions={
        <ButtonLink kind="quiet" icon="arrowLeft" to="/chain">
          {c.back}
        </ButtonLink>
      }
    >
      {failure && <ProblemNote failure={failure} onRetry={reload} />}
      {data ? <Loaded transaction={data} /> : !failure && <Skeleton height={320} />}
    </Page>
  );
}
