// What the scheduler decided about a task, in its own words, newest last.
import { api } from '@/api/client';
import { useResource } from '@/api/resource';
import { useMessages } from '@/i18n';
import { Ago } from '@/ui/Values';
import styles from './AttemptsPanel.module.css';

export function Decisions({ job, task }: { job: string; task: number }) {
  const m = useMessages();
  const { data } = useResource(`job/${job}/explain/${task}`, (signal) => api.explain(job, task, { signal }));
  if (!data || data.items.length === 0) return null;
  return (
    <section className={styles.decisions}>
      <h2>{m.job.attempts.decisions}</h2>
      <ol>
        {data.items.map((item) => (
          <li key={`${item.at}${item.decision}`}>
            <span className={styles.decision}>
              <span>{item.decision}</span>
              <span className={styles.note}>
                <Ago at={item.at} />
              </span>
            </span>
            <span className={styles.note}>{item.reason}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
