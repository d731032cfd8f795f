// Everything known about one node, beside the list.
import type { ProviderView } from '@/api/types';
import { useMessages } from '@/i18n';
import { CopyButton } from '@/ui/Copy';
import { Dialog } from '@/ui/Dialog';
import { Facts } from '@/ui/Facts';
import { Bytes, Count, Id, Money, Span } from '@/ui/Values';
import styles from './NodesView.module.css';

function Named({ id, what }: { id: string; what: string }) {
  return (
    <span className={styles.valued}>
      <Id id={id} />
      <CopyButton text={id} what={what} />
    </span>
  );
}

export function NodeDetail({ node, onClose }: { node: ProviderView; onClose: () => void }) {
  const m = useMessages();
  const n = m.nodes;
  return (
    <Dialog side title={node.own ? `${n.node}: ${n.own}` : n.node} onClose={onClose}>
      <Facts
        facts={[
          [n.id, <Named key="id" id={node.id} what={n.id} />],
          [n.account, <Named key="account" id={node.account} what={n.account} />],
          [n.device, node.device],
          [n.engines, node.engines.join(', ')],
          [n.sort.threads, <Count key="threads" value={node.threads} />],
          [n.sort.memory, <Bytes key="memory" bytes={node.memory_bytes} />],
        ]}
      />
      <Facts
        facts={[
          [n.sort.speed, <Count key="speed" value={node.wu_per_second} digits={2} unit="WU/s" />],
          [
            n.sort.price,
            <span key="price">
              <Money amount={node.price_per_wu_hour} /> {n.perWuHour}
            </span>,
          ],
          [n.sort.latency, node.rtt_ms == null ? '–' : <Count key="latency" value={node.rtt_ms} unit="ms" />],
          [
            n.sort.seen,
            <span key="seen">
              <Span seconds={node.last_seen_s} /> {n.ago}
            </span>,
          ],
          [n.working, node.busy ? n.busy : n.idle],
        ]}
      />
      <Facts
        facts={[
          [n.verified, <Count key="verified" value={node.tasks_verified} />],
          [n.rejected, <Count key="rejected" value={node.tasks_rejected} />],
          [n.sort.earned, <Money key="earned" amount={node.earned} />],
        ]}
      />
      <p className={styles.hint}>{n.earnedHint}</p>
      <Facts
        facts={[
          [n.sort.tier, n.tier[node.tier]],
          [n.registered, node.registered ? m.common.yes : m.common.no],
          node.classes.length > 0 && [
            n.classes,
            <span key="classes" className={styles.classes}>
              {node.classes.map((each) => (
                <Id key={each} id={each} />
              ))}
            </span>,
          ],
        ]}
      />
      <p className={styles.hint}>{n.tierHint[node.tier]}</p>
      {node.classes.length > 0 && <p className={styles.hint}>{n.classesHint}</p>}
    </Dialog>
  );
}
