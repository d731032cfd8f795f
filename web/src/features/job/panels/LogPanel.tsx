// The log of the job, live. It follows the newest line until one scrolls up to read.
import { useEffect, useRef, useState } from 'react';
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { replace, useResource } from '@/api/resource';
import { useMessages } from '@/i18n';
import { formatClock } from '@/i18n/format';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import styles from './LogPanel.module.css';

/** Older lines are in the node's own log; a browser need not hold them all. */
const MOST_LINES = 2000;
const AT_END_PX = 24;

interface Lines {
  lines: { at: string; text: string }[];
}

export function LogPanel({ job }: { job: string }) {
  const m = useMessages();
  const key = `job/${job}/log`;
  const { data, failure, reload } = useResource<Lines>(key, (signal) => api.log(job, undefined, { signal }));
  const [follow, setFollow] = useState(true);
  const scroller = useRef<HTMLOListElement>(null);

  useEffect(
    () =>
      onEvent(
        'log',
        ({ job: of, at, text }) => {
          if (of === job) replace<Lines>(key, (old) => ({ lines: [...old.lines.slice(1 - MOST_LINES), { at, text }] }));
        },
        job,
      ),
    [job, key],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what moves the end
  useEffect(() => {
    const element = scroller.current;
    if (follow && element) element.scrollTop = element.scrollHeight;
  }, [data, follow]);

  if (failure && !data) return <ProblemNote failure={failure} onRetry={reload} />;
  if (!data) {
    return (
      <div className={styles.empty}>
        <Skeleton lines={8} />
      </div>
    );
  }
  if (data.lines.length === 0) return <p className={styles.empty}>{m.job.log.empty}</p>;
  return (
    <ol
      ref={scroller}
      className={styles.log}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
      tabIndex={0}
      aria-label={m.job.log.label}
      onScroll={(event) => {
        const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
        setFollow(scrollTop + clientHeight > scrollHeight - AT_END_PX);
      }}
    >
      {data.lines.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no id and are only added at the end
        <li key={i}>
          <time dateTime={line.at}>{formatClock(line.at)}</time>
          <span>{line.text}</span>
        </li>
      ))}
    </ol>
  );
}
