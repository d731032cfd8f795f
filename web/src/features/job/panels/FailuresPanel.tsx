// What failed and what follows from it: the job's own problem with a retry, and each failed task with its attempts.
import { memo, useState } from 'react';
import type { JobView } from '@/api/types';
import { NodeSwatch } from '@/features/picture/NodeSwatch';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { ProblemNote } from '@/ui/Notes';
import { RetryDialog } from '../dialogs/RetryDialog';
import type { JobScreen } from '../screen';
import { FAILED, type TaskTable } from '../tasks/taskTable';
import styles from './FailuresPanel.module.css';

const MOST_SHOWN = 200;

function failedTasks(table: TaskTable): number[] {
  const failed: number[] = [];
  for (let index = 0; index < table.count && failed.length < MOST_SHOWN; index += 1) {
    if (table.state[index] === FAILED) failed.push(index);
  }
  return failed;
}

/** `failed`: how many tasks are failed now; a change of it draws the list anew. */
export const FailuresPanel = memo(function FailuresPanel({
  job,
  table,
  screen,
  failed,
}: {
  job: JobView;
  table: TaskTable;
  screen: JobScreen;
  failed: number;
}) {
  const m = useMessages();
  const [retrying, setRetrying] = useState(false);
  const tasks = failed > 0 ? failedTasks(table) : [];
  const show = (index: number) => {
    screen.chooseFrame(table.frames[table.frameSlot[index]!]!);
    screen.pane.set('picture');
    screen.task.set(table.id[index]!);
    screen.tab.set('attempts');
  };
  if (!job.problem && tasks.length === 0) return <p className={styles.none}>{m.job.failures.none}</p>;
  return (
    <div className={styles.panel}>
      {job.problem && (
        <>
          <ProblemNote problem={job.problem} />
          {job.state === 'failed' && (
            <Button icon="retry" onClick={() => setRetrying(true)}>
              {m.job.failures.retry}
            </Button>
          )}
        </>
      )}
      {tasks.length > 0 && (
        <>
          <h2>{m.job.failures.tasksFailed(failed)}</h2>
          {job.state === 'rendering' && <p className={styles.note}>{m.job.failures.again}</p>}
          <ul className={styles.tasks}>
            {tasks.map((index) => (
              <li key={table.id[index]}>
                <span className={styles.what}>
                  <span>
                    {m.job.task(table.id[index]!)} · {m.job.frame(table.frames[table.frameSlot[index]!]!)}
                  </span>
                  <span className={styles.note}>
                    {m.job.attemptCount(table.attempts[index]!)}
                    {table.node[index]! > 0 && (
                      <>
                        {' · '}
                        <NodeSwatch id={table.nodes[table.node[index]!]!} />
                      </>
                    )}
                  </span>
                </span>
                <Button kind="quiet" onClick={() => show(index)}>
                  {m.job.failures.show}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
      {retrying && <RetryDialog job={job} onClose={() => setRetrying(false)} />}
    </div>
  );
});
