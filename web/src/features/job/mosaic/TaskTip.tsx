// What the pointer or the keyboard cursor is on: node, state, attempts of one task, beside its cell.
import { NodeSwatch } from '@/features/picture/NodeSwatch';
import { useMessages } from '@/i18n';
import { StateBadge } from '@/ui/Badge';
import { RENDERING, type TaskTable } from '../tasks/taskTable';
import styles from './Mosaic.module.css';

export function TaskTip({ table, index }: { table: TaskTable; index: number }) {
  const m = useMessages();
  const node = table.nodes[table.node[index]!];
  const slices = table.slices[index]!;
  const attempts = table.attempts[index]!;
  return (
    <>
      <div className={styles.tipHead}>
        <strong>{m.job.task(table.id[index]!)}</strong>
        <StateBadge state={table.stateName(index)} />
      </div>
      {node && (
        <div className={styles.tipLine}>
          <NodeSwatch id={node} />
          {table.state[index] === RENDERING && <span>{Math.floor(table.permille[index]! / 10)} %</span>}
        </div>
      )}
      <div className={styles.tipNote}>
        {[
          m.job.tileOf(table.width[index]!, table.height[index]!),
          slices > 1 && m.job.sliceOf(table.slice[index]! + 1, slices),
          m.job.attemptCount(attempts),
        ]
          .filter(Boolean)
          .join(' · ')}
      </div>
    </>
  );
}

/** The same in one sentence, for screen readers. */
export function useTaskSentence(table: TaskTable, index: number): string {
  const m = useMessages();
  if (index < 0) return '';
  const node = table.nodes[table.node[index]!];
  return [
    m.job.task(table.id[index]!),
    m.state[table.stateName(index)],
    node && `${m.job.node} ${node.slice(0, 8)}`,
    m.job.attemptCount(table.attempts[index]!),
  ]
    .filter(Boolean)
    .join(', ');
}
