// A job of commands: its steps in order, and what each task does by its command's own words. Files and log are beside it.
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { invalidate, useResource } from '@/api/resource';
import type { CommandTask, JobView } from '@/api/types';
import { useMessages } from '@/i18n';
import { StateBadge } from '@/ui/Badge';
import { ProblemNote } from '@/ui/Notes';
import { Table } from '@/ui/Table';
import { Tabs } from '@/ui/Tabs';
import { Id } from '@/ui/Values';
import shared from '../JobView.module.css';
import { DetailsPanel } from '../panels/DetailsPanel';
import { LogPanel } from '../panels/LogPanel';
import { OutputsPanel } from '../panels/OutputsPanel';
import styles from './CommandsBody.module.css';

/** Tasks that are listed; a page of the API. */
const MOST_SHOWN = 1000;

function named(values: CommandTask['values']): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function Steps({ job }: { job: JobView }) {
  const m = useMessages();
  const c = m.job.commands;
  return (
    <section>
      <h2>{c.steps}</h2>
      <Table
        caption={c.steps}
        rows={job.steps ?? []}
        rowKey={(step) => step.name}
        columns={[
          { key: 'step', head: c.step, cell: (step) => step.name },
          { key: 'done', head: c.done, numeric: true, cell: (step) => `${step.tasks_done} / ${step.tasks}` },
          { key: 'waits', head: c.waitsFor, from: 'wide', cell: (step) => step.waits_for.join(', ') },
        ]}
      />
    </section>
  );
}

function Tasks({ job }: { job: JobView }) {
  const m = useMessages();
  const c = m.job.commands;
  const key = `job/${job.id}/commands`;
  const { data, failure } = useResource(key, (signal) => api.commands(job.id, { limit: MOST_SHOWN }, { signal }));
  // Whatever happens to a task changes one of these.
  const moves = `${job.tasks_verified} ${job.attempts} ${job.state}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again when the job moves
  useEffect(() => invalidate(key), [key, moves]);
  const tasks = data?.items ?? [];
  return (
    <section>
      <h2>{c.tasks}</h2>
      {failure && data === null && <ProblemNote failure={failure} />}
      <Table
        caption={c.tasks}
        rows={tasks}
        rowKey={(task) => String(task.id)}
        columns={[
          { key: 'task', head: c.task, cell: (task) => `${task.step} ${named(task.values)}` },
          { key: 'state', head: c.state, cell: (task) => <StateBadge state={task.state} /> },
          { key: 'says', head: c.says, from: 'wide', cell: (task) => task.problem ?? task.status ?? '' },
          {
            key: 'node',
            head: c.node,
            from: 'wider',
            cell: (task) => (task.node ? <Id id={task.node} /> : task.attempts > 0 ? c.thisNode : ''),
          },
          { key: 'attempts', head: c.attempts, numeric: true, from: 'wider', cell: (task) => task.attempts },
        ]}
      />
      {data?.next_cursor != null && <p className={styles.note}>{c.more(tasks.length, job.tasks)}</p>}
    </section>
  );
}

export function CommandsBody({ job }: { job: JobView }) {
  const m = useMessages();
  const [active, setActive] = useState<'log' | 'outputs' | 'details'>('log');
  return (
    <div className={shared.body}>
      <div className={styles.work}>
        {job.problem && <p role="alert">{job.problem.detail}</p>}
        <Steps job={job} />
        <Tasks job={job} />
      </div>
      <aside className={shared.panels} aria-label={m.job.tabs.label}>
        <Tabs
          label={m.job.tabs.label}
          active={active}
          onChange={setActive}
          tabs={[
            { key: 'log', label: m.job.tabs.log },
            { key: 'outputs', label: m.job.tabs.outputs, count: job.outputs.length },
            { key: 'details', label: m.job.tabs.details },
          ]}
        >
          {active === 'log' && <LogPanel job={job.id} />}
          {active === 'outputs' && <OutputsPanel job={job.id} outputs={job.outputs} />}
          {active === 'details' && <DetailsPanel job={job} />}
        </Tabs>
      </aside>
    </div>
  );
}
