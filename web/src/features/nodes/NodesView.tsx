// The nodes of the farm as this node sees them: how quick, how dear, how reliable. Sorting and the node looked at stand
// in the address, so a view can be shared.
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { invalidate, useResource } from '@/api/resource';
import type { ProviderView } from '@/api/types';
import { setQuery, useLocation } from '@/app/router';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { CopyLine } from '@/ui/Copy';
import { Field, Select } from '@/ui/Field';
import { Figures } from '@/ui/Figures';
import { EmptyState, ProblemNote, Skeleton } from '@/ui/Notes';
import { Page } from '@/ui/Page';
import { Count } from '@/ui/Values';
import { InviteDialog } from './InviteDialog';
import { NodeDetail } from './NodeDetail';
import { NodesTable } from './NodesTable';
import styles from './NodesView.module.css';
import { OwnNode } from './OwnNode';
import { descendingFirst, isSortKey, SORTS, type SortKey, sortNodes } from './sortNodes';

/** Latency and `last seen` move without an event; this is how old they may get. */
const REREAD_MS = 10_000;

function sortBy(key: SortKey, descending: boolean): void {
  setQuery({ sort: key, order: descending === descendingFirst(key) ? null : 'turned' });
}

function Nodes({ nodes, paused }: { nodes: readonly ProviderView[]; paused: boolean }) {
  const m = useMessages();
  const n = m.nodes;
  const { query } = useLocation();
  const asked = query.get('sort');
  const key: SortKey = isSortKey(asked) ? asked : 'speed';
  const descending = descendingFirst(key) !== (query.get('order') === 'turned');
  const chosen = nodes.find((node) => node.id === query.get('node'));
  const speed = nodes.reduce((sum, node) => sum + node.wu_per_second, 0);
  const threads = nodes.reduce((sum, node) => sum + node.threads, 0);
  const busy = nodes.filter((node) => node.busy).length;
  return (
    <>
      <div className={styles.top}>
        <Figures
          figures={[
            [n.figures.nodes, <Count key="nodes" value={nodes.length} />],
            [n.figures.busy, <Count key="busy" value={busy} />],
            [n.figures.speed, <Count key="speed" value={speed} digits={1} unit="WU/s" />],
            [n.figures.threads, <Count key="threads" value={threads} />],
          ]}
        />
        <div className={styles.sort}>
          <Field label={n.sortBy}>
            {(ids) => (
              <Select
                {...ids}
                value={`${key}${descending ? '-' : ''}`}
                onChange={(event) => {
                  const next = event.target.value.replace(/-$/, '');
                  if (isSortKey(next)) sortBy(next, event.target.value.endsWith('-'));
                }}
              >
                {SORTS.flatMap((each) => {
                  const first = descendingFirst(each);
                  return [first, !first].map((down) => (
                    <option key={`${each}${down}`} value={`${each}${down ? '-' : ''}`}>
                      {n.sort[each]} {down ? '↓' : '↑'}
                    </option>
                  ));
                })}
              </Select>
            )}
          </Field>
        </div>
      </div>
      <NodesTable
        nodes={sortNodes(nodes, key, descending)}
        paused={paused}
        sorting={{
          key,
          descending,
          onSort: (next) => {
            if (isSortKey(next)) sortBy(next, next === key ? !descending : descendingFirst(next));
          },
        }}
        onOpen={(node) => setQuery({ node: node.id })}
      />
      <p className={styles.hint}>{n.wuHint}</p>
      {chosen && <NodeDetail node={chosen} onClose={() => setQuery({ node: null })} />}
    </>
  );
}

export default function NodesView() {
  const m = useMessages();
  const n = m.nodes;
  const [inviting, setInviting] = useState(false);
  const providers = useResource('providers', (signal) => api.providers({ signal }));
  const node = useResource('node', (signal) => api.node({ signal }));
  useEffect(() => {
    const stop = onEvent('providers', () => invalidate('providers'));
    const timer = setInterval(() => {
      if (!document.hidden) invalidate('providers');
    }, REREAD_MS);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, []);
  const nodes = providers.data?.items;
  return (
    <Page
      title={m.shell.nodes}
      actions={
        <Button icon="add" onClick={() => setInviting(true)}>
          {n.invite}
        </Button>
      }
    >
      {node.data ? <OwnNode node={node.data} /> : !node.failure && <Skeleton height={62} />}
      {providers.failure && <ProblemNote failure={providers.failure} onRetry={providers.reload} />}
      {!nodes && !providers.failure && <Skeleton lines={10} height={44} />}
      {nodes?.length === 0 && (
        <EmptyState icon="nodes" title={n.empty}>
          <p>{n.emptyDetail}</p>
          <div className={styles.command}>
            <CopyLine text="rayswarm up --provide" what={n.command} />
          </div>
        </EmptyState>
      )}
      {nodes && nodes.length > 0 && <Nodes nodes={nodes} paused={node.data?.provider_paused ?? false} />}
      {inviting && <InviteDialog onClose={() => setInviting(false)} />}
    </Page>
  );
}
