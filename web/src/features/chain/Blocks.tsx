// Blocks, newest first, a page at a time. The first page is live; older ones stand still, so nothing moves under the eye.
import { api } from '@/api/client';
import { useResource } from '@/api/resource';
import type { BlockView } from '@/api/types';
import { Link } from '@/app/router';
import { useMessages } from '@/i18n';
import { ButtonLink } from '@/ui/Button';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { type Column, Table } from '@/ui/Table';
import { Ago, Bytes, Count, Id } from '@/ui/Values';
import styles from './ChainView.module.css';

const PAGE = 25;
const ROW_HEIGHT = 33;

export function GasUsed({ block }: { block: BlockView }) {
  const percent = block.gas_limit > 0 ? (block.gas_used / block.gas_limit) * 100 : 0;
  return (
    <span>
      <Count value={block.gas_used} /> <span className={styles.unit}>({percent.toFixed(1)} %)</span>
    </span>
  );
}

export function Blocks({ before, height }: { before: number | null; height: number }) {
  const m = useMessages();
  const c = m.chain;
  const { data, failure, reload } = useResource(`chain/blocks/${before ?? 'newest'}`, (signal) =>
    api.blocks({ limit: PAGE, ...(before !== null && { before }) }, { signal }),
  );
  const columns: Column<BlockView>[] = [
    {
      key: 'number',
      head: c.block,
      cell: (block) => (
        <Link to={`/chain/blocks/${block.number}`}>
          <Count value={block.number} />
        </Link>
      ),
    },
    { key: 'at', head: c.when, width: '10em', cell: (block) => <Ago at={block.at} /> },
    {
      key: 'transactions',
      head: c.transactions,
      numeric: true,
      cell: (block) => <Count value={block.transactions.length} />,
    },
    { key: 'gas', head: c.gas, numeric: true, from: 'wide', cell: (block) => <GasUsed block={block} /> },
    { key: 'bytes', head: c.size, numeric: true, from: 'wide', cell: (block) => <Bytes bytes={block.bytes} /> },
    { key: 'proposer', head: c.proposer, from: 'wider', cell: (block) => <Id id={block.proposer} /> },
    { key: 'hash', head: c.hash, from: 'wider', cell: (block) => <Id id={block.hash} /> },
  ];
  const first = data?.items[0]?.number ?? 0;
  // Rows are places on the page: a new block changes what they say and moves none of them.
  const place = (block: BlockView) => first - block.number;
  const last = data?.items.at(-1)?.number ?? 0;
  const newer = before === null ? null : before + PAGE;
  return (
    <Section
      title={c.blocks}
      actions={
        <span className={styles.pager}>
          {newer !== null && (
            <ButtonLink kind="quiet" to={newer > height ? '/chain' : `/chain?before=${newer}`}>
              {c.newer}
            </ButtonLink>
          )}
          {last > 0 && (
            <ButtonLink kind="quiet" to={`/chain?before=${last}`}>
              {c.older}
            </ButtonLink>
          )}
        </span>
      }
    >
      {failure && (
        <div className={styles.failed}>
          <ProblemNote failure={failure} onRetry={reload} />
        </div>
      )}
      {data ? (
        <Table caption={c.blocks} columns={columns} rows={data.items} rowKey={place} />
      ) : (
        !failure && (
          <div className={styles.failed}>
            <Skeleton height={(Math.min(PAGE, height + 1) + 1) * ROW_HEIGHT} />
          </div>
        )
      )}
    </Section>
  );
}
