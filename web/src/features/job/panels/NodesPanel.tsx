// Who renders what: the legend of the mosaic. Pointing at a node brings its part of the picture out, choosing keeps it.
import { memo, useState } from 'react';
import type { ProviderShare } from '@/api/types';
import { useStore } from '@/app/store';
import { NodeSwatch } from '@/features/picture/NodeSwatch';
import { useMessages } from '@/i18n';
import { Icon } from '@/ui/Icon';
import { Count, Money } from '@/ui/Values';
import type { JobScreen } from '../screen';
import type { NodeShare } from '../tasks/useTasks';
import styles from './NodesPanel.module.css';

interface Props {
  nodes: readonly NodeShare[];
  providers: readonly ProviderShare[];
  screen: JobScreen;
}

export const NodesPanel = memo(function NodesPanel({ nodes, providers, screen }: Props) {
  const m = useMessages();
  const [kept, setKept] = useState<string | null>(null);
  const shown = useStore(screen.node);
  const paid = new Map(providers.map((provider) => [provider.id, provider.paid]));
  const active = nodes.filter((node) => node.busy > 0 || node.verified > 0);
  // Rows stay where they are while numbers change: the order is the node's id, not its progress.
  const rows = [...active].sort((a, b) => a.id.localeCompare(b.id));
  if (rows.length === 0) return <p className={styles.empty}>{m.job.nodesPanel.empty}</p>;
  return (
    <div className={styles.panel}>
      <p className={styles.hint}>{m.job.nodesPanel.hint}</p>
      <div className={styles.head} aria-hidden>
        <span>{m.job.nodesPanel.node}</span>
        <span>{m.job.nodesPanel.working}</span>
        <span>{m.job.nodesPanel.verified}</span>
        <span>{m.job.nodesPanel.paid}</span>
      </div>
      <ul>
        {rows.map((node) => (
          <li key={node.id}>
            <button
              type="button"
              className={styles.row}
              aria-pressed={kept === node.id}
              data-shown={shown === node.id || undefined}
              onPointerEnter={() => screen.node.set(node.id)}
              onPointerLeave={() => screen.node.set(kept)}
              onFocus={() => screen.node.set(node.id)}
              onBlur={() => screen.node.set(kept)}
              onClick={() => {
                const next = kept === node.id ? null : node.id;
                setKept(next);
                screen.node.set(next);
              }}
            >
              <span className={styles.name}>
                <NodeSwatch id={node.id} />
                {kept === node.id && <Icon name="eye" size={14} label={m.job.nodesPanel.show} />}
              </span>
              <span>
                <span className="visually-hidden">{m.job.nodesPanel.working}: </span>
                <Count value={node.busy} />
              </span>
              <span>
                <span className="visually-hidden">{m.job.nodesPanel.verified}: </span>
                <Count value={node.verified} />
              </span>
              <span>
                <span className="visually-hidden">{m.job.nodesPanel.paid}: </span>
                <Money amount={paid.get(node.id) ?? '0'} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
});
