// Attempts of one task, or the latest of all: where each went and why, how it ended, its log.
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { type Failure, isAbort, toFailure } from '@/api/problem';
import type { AttemptView } from '@/api/types';
import { useStore } from '@/app/store';
import { useMessages } from '@/i18n';
import { StateBadge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import type { JobScreen } from '../screen';
import type { TaskTable } from '../tasks/taskTable';
import { AttemptItem } from './AttemptItem';
import styles from './AttemptsPanel.module.css';
import { Decisions } from './Decisions';

const PAGE = 40;

interface Loaded {
  items: AttemptView[];
  cursor: string | null;
  loading: boolean;
  failure: Failure | null;
}
const NOTHING: Loaded = { items: [], cursor: null, loading: true, failure: null };

/** Attempts of a task or of all, newest first; read again when `version` changes. */
function useAttempts(job: string, task: number | null, version: string) {
  const [loaded, setLoaded] = useState(NOTHING);
  const [again, setAgain] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` and `again` are what asks for reading again
  useEffect(() => {
    const stop = new AbortController();
    api
      .attempts(job, { limit: PAGE, ...(task !== null && { task }) }, { signal: stop.signal })
      .then(({ items, next_cursor }) =>
        setLoaded({ items, cursor: next_cursor ?? null, loading: false, failure: null }),
      )
      .catch((error) => {
        if (!isAbort(error)) setLoaded((old) => ({ ...old, loading: false, failure: toFailure(error) }));
      });
    return () => stop.abort();
  }, [job, task, version, again]);
  const more = async () => {
    setLoaded((old) => ({ ...old, loading: true }));
    try {
      const page = await api.attempts(job, { limit: PAGE, cursor: loaded.cursor, ...(task !== null && { task }) });
      setLoaded((old) => ({
        items: [...old.items, ...page.items],
        cursor: page.next_cursor ?? null,
        loading: false,
        failure: null,
      }));
    } catch (error) {
      setLoaded((old) => ({ ...old, loading: false, failure: toFailure(error) }));
    }
  };
  return { ...loaded, more, reload: () => setAgain((n) => n + 1) };
}

function TaskHead({ table, index, onClear }: { table: TaskTable; index: number; onClear: () => void }) {
  const m = useMessages();
  const slices = table.slices[index]!;
  return (
    <header className={styles.task}>
      <div className={styles.taskTitle}>
        <strong>{m.job.task(table.id[index]!)}</strong>
        <StateBadge state={table.stateName(index)} />
      </div>
      <div className={styles.note}>
        {m.job.frame(table.frames[table.frameSlot[index]!]!)} ·{' '}
        {m.job.tileOf(table.width[index]!, table.height[index]!)}
        {slices > 1 && ` · ${m.job.sliceOf(table.slice[index]! + 1, slices)}`}
      </div>
      <Button kind="quiet" icon="arrowLeft" onClick={onClear}>
        {m.job.attempts.showAll}
      </Button>
    </header>
  );
}

export function AttemptsPanel({
  job,
  table,
  screen,
  ended,
}: {
  job: string;
  table: TaskTable;
  screen: JobScreen;
  ended: boolean;
}) {
  const m = useMessages();
  const task = useStore(screen.task);
  const index = task === null ? undefined : table.indexOf(task);
  // One task is read again when it changes; all tasks change all the time, so there it is asked for.
  const version = index === undefined ? String(ended) : `${table.state[index]}/${table.attempts[index]}`;
  const { items, cursor, loading, failure, more, reload } = useAttempts(job, task, version);
  return (
    <div className={styles.panel}>
      {index !== undefined ? (
        <TaskHead table={table} index={index} onClear={() => screen.task.set(null)} />
      ) : (
        <div className={styles.all}>
          <span className={styles.note}>{m.job.attempts.allTasks}</span>
          <Button kind="quiet" icon="retry" onClick={reload}>
            {m.common.reload}
          </Button>
        </div>
      )}
      <ProblemNote failure={failure} onRetry={reload} />
      {!loading && !failure && items.length === 0 && <p className={styles.empty}>{m.job.attempts.empty}</p>}
      <ul>
        {items.map((attempt) => (
          <AttemptItem key={attempt.id} job={job} attempt={attempt} open={task !== null && attempt === items[0]} />
        ))}
      </ul>
      {loading && items.length === 0 && <Skeleton lines={5} height={44} />}
      {cursor && (
        <Button busy={loading} onClick={more}>
          {m.job.attempts.more}
        </Button>
      )}
      {task !== null && <Decisions job={job} task={task} />}
    </div>
  );
}
