// The table of nodes. Narrow screens keep who, how quick and how dear; the rest is in the detail, and in the sorting.
import type { ProviderView } from '@/api/types';
import { NodeSwatch } from '@/features/picture/NodeSwatch';
import { useLanguage, useMessages } from '@/i18n';
import { formatNumber } from '@/i18n/format';
import { Badge } from '@/ui/Badge';
import { CopyButton } from '@/ui/Copy';
import { type Column, type Sorting, Table } from '@/ui/Table';
import { Bytes, Count, Money, Span } from '@/ui/Values';
import styles from './NodesView.module.css';

interface Props {
  nodes: readonly ProviderView[];
  /** The own node takes no work of others. */
  paused: boolean;
  sorting: Sorting;
  onOpen: (node: ProviderView) => void;
}

export function Work({ node, paused }: { node: ProviderView; paused: boolean }) {
  const m = useMessages();
  if (node.own && paused) {
    return (
      <Badge icon="pause" tone="warn">
        {m.state.paused}
      </Badge>
    );
  }
  return (
    <Badge icon={node.busy ? 'play' : 'circle'} tone={node.busy ? 'accent' : 'neutral'}>
      {node.busy ? m.nodes.busy : m.nodes.idle}
    </Badge>
  );
}

/** The share of its work that was accepted, and how much work that was. */
function Reputation({ node }: { node: ProviderView }) {
  const m = useMessages();
  const language = useLanguage();
  const all = node.tasks_verified + node.tasks_rejected;
  return (
    <>
      {all === 0 ? '–' : `${formatNumber(Math.floor((node.tasks_verified / all) * 1000) / 10, language, 1)} %`}
      <span className={styles.note}>
        {all === 0 ? m.nodes.noWork : m.nodes.work(node.tasks_verified, node.tasks_rejected)}
      </span>
    </>
  );
}

export function NodesTable({ nodes, paused, sorting, onOpen }: Props) {
  const m = useMessages();
  const n = m.nodes;
  const columns: Column<ProviderView>[] = [
    {
      key: 'node',
      head: n.node,
      cell: (node) => (
        <span className={styles.node}>
          <span className={styles.words}>
            <span className={styles.name}>
              <button
                type="button"
                className={styles.open}
                aria-haspopup="dialog"
                onClick={(event) => {
                  event.stopPropagation();
                  onOpen(node);
                }}
              >
                <NodeSwatch id={node.id} />
              </button>
              {node.own && <Badge tone="accent">{n.own}</Badge>}
            </span>
            <span className={styles.note}>{node.engines.join(', ') || n.noEngine}</span>
          </span>
          <CopyButton text={node.id} what={n.id} />
        </span>
      ),
    },
    {
      key: 'seen',
      head: n.sort.seen,
      from: 'wide',
      sortable: true,
      cell: (node) => (
        <>
          <Work node={node} paused={paused} />
          <span className={styles.note}>
            <Span seconds={node.last_seen_s} /> {n.ago}
          </span>
        </>
      ),
    },
    {
      key: 'speed',
      head: n.sort.speed,
      numeric: true,
      sortable: true,
      cell: (node) => <Count value={node.wu_per_second} digits={2} unit="WU/s" />,
    },
    {
      key: 'threads',
      head: n.sort.threads,
      numeric: true,
      from: 'wider',
      sortable: true,
      cell: (node) => <Count value={node.threads} />,
    },
    {
      key: 'memory',
      head: n.sort.memory,
      numeric: true,
      from: 'wider',
      sortable: true,
      cell: (node) => <Bytes bytes={node.memory_bytes} />,
    },
    {
      key: 'latency',
      head: n.sort.latency,
      numeric: true,
      from: 'wide',
      sortable: true,
      cell: (node) => (node.rtt_ms == null ? '–' : <Count value={node.rtt_ms} unit="ms" />),
    },
    {
      key: 'price',
      head: n.sort.price,
      numeric: true,
      sortable: true,
      cell: (node) => (
        <>
          <Money amount={node.price_per_wu_hour} />
          <span className={styles.note}>{n.perWuHour}</span>
        </>
      ),
    },
    {
      key: 'reputation',
      head: n.sort.reputation,
      numeric: true,
      from: 'wide',
      sortable: true,
      cell: (node) => <Reputation node={node} />,
    },
    {
      key: 'earned',
      head: n.sort.earned,
      numeric: true,
      from: 'wider',
      sortable: true,
      cell: (node) => <Money amount={node.earned} />,
    },
    { key: 'tier', head: n.sort.tier, from: 'widest', sortable: true, cell: (node) => n.tier[node.tier] },
  ];
  return (
    <div className={styles.table}>
      <Table
        caption={m.shell.nodes}
        columns={columns}
        rows={nodes}
        rowKey={(node) => node.id}
        onRow={onOpen}
        sorting={sorting}
      />
    </div>
  );
}
