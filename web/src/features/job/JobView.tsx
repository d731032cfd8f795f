// One job: its name and actions, its numbers, the picture in the middle, and beside it who works, what failed, the files.
import { useMemo } from 'react';
import { ApiError } from '@/api/problem';
import type { JobView as Job } from '@/api/types';
import { Link, type ViewProps } from '@/app/router';
import { useStore } from '@/app/store';
import { useMessages } from '@/i18n';
import { StateBadge } from '@/ui/Badge';
import { ButtonLink } from '@/ui/Button';
import { Icon } from '@/ui/Icon';
import { EmptyState, ProblemNote, Skeleton } from '@/ui/Notes';
import { useTitle } from '@/ui/Page';
import { ProgressBar } from '@/ui/ProgressBar';
import { type Tab, Tabs } from '@/ui/Tabs';
import { CommandsBody } from './commands/CommandsBody';
import { JobActions } from './JobActions';
import { JobFigures } from './JobFigures';
import styles from './JobView.module.css';
import { Preparing } from './Preparing';
import { AttemptsPanel } from './panels/AttemptsPanel';
import { DetailsPanel } from './panels/DetailsPanel';
import { FailuresPanel } from './panels/FailuresPanel';
import { LogPanel } from './panels/LogPanel';
import { NodesPanel } from './panels/NodesPanel';
import { OutputsPanel } from './panels/OutputsPanel';
import { type JobScreen, type Tab as PanelTab, useFollow, useJobScreen } from './screen';
import { JobStage } from './stage/JobStage';
import { FAILED } from './tasks/taskTable';
import { type Tasks, useTasks } from './tasks/useTasks';
import { hasEnded, isPreparing, useJob } from './useJob';

/** Figures of nodes and money are of renders only. */
function Head({ job, busyNodes }: { job: Job; busyNodes?: number }) {
  const m = useMessages();
  const tone = job.state === 'failed' ? 'bad' : job.paused ? 'warn' : job.state === 'done' ? 'ok' : 'accent';
  return (
    <header className={styles.head}>
      <div className={styles.title}>
        <Link to="/jobs" className={styles.back} title={m.job.back} aria-label={m.job.back}>
          <Icon name="arrowLeft" />
        </Link>
        <h1 title={job.name}>{job.name}</h1>
        <StateBadge state={job.paused && !hasEnded(job.state) ? 'paused' : job.state} />
        <span className={styles.actions}>
          <JobActions job={job} />
        </span>
      </div>
      {busyNodes !== undefined && !isPreparing(job.state) && <JobFigures job={job} busyNodes={busyNodes} />}
      <div className={styles.progress}>
        <ProgressBar
          permille={isPreparing(job.state) ? 0 : job.progress_permille}
          label={m.jobs.progressOf(job.name)}
          tone={tone}
        />
      </div>
    </header>
  );
}

function Panels({ job, tasks, screen }: { job: Job; tasks: Tasks; screen: JobScreen }) {
  const m = useMessages();
  const active = useStore(screen.tab);
  const failed = tasks.summary.totals[FAILED] ?? 0;
  const failures = failed + (job.problem ? 1 : 0);
  const tabs: Tab<PanelTab>[] = [
    { key: 'nodes', label: m.job.tabs.nodes },
    { key: 'attempts', label: m.job.tabs.attempts },
    { key: 'failures', label: m.job.tabs.failures, count: failures },
    { key: 'log', label: m.job.tabs.log },
    { key: 'outputs', label: m.job.tabs.outputs, count: job.outputs.length },
    { key: 'details', label: m.job.tabs.details },
  ];
  return (
    <aside className={styles.panels} aria-label={m.job.tabs.label}>
      <Tabs label={m.job.tabs.label} tabs={tabs} active={active} onChange={(key) => screen.tab.set(key)}>
        {active === 'nodes' && <NodesPanel nodes={tasks.summary.nodes} providers={job.providers} screen={screen} />}
        {active === 'attempts' && (
          <AttemptsPanel job={job.id} table={tasks.table} screen={screen} ended={hasEnded(job.state)} />
        )}
        {active === 'failures' && <FailuresPanel job={job} table={tasks.table} screen={screen} failed={failed} />}
        {active === 'log' && <LogPanel job={job.id} />}
        {active === 'outputs' && <OutputsPanel job={job.id} outputs={job.outputs} />}
        {active === 'details' && <DetailsPanel job={job} />}
      </Tabs>
    </aside>
  );
}

function Loaded({ job }: { job: Job }) {
  const screen = useJobScreen(isPreparing(job.state) ? 'details' : job.state === 'done' ? 'outputs' : 'nodes');
  const tasks = useTasks(job.id, !isPreparing(job.state));
  useFollow(screen, tasks.table, tasks.summary);
  useTitle(job.name);
  // A job read anew brings an equal list of frames; the canvases keep the one they have.
  const frames = job.frame_numbers.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: compared by content
  const stable = useMemo(() => job.frame_numbers, [frames]);
  const resolution = `${job.resolution?.width}x${job.resolution?.height}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: compared by content
  const size = useMemo(() => job.resolution, [resolution]);
  const shown = useMemo(() => ({ ...job, frame_numbers: stable, resolution: size }), [job, stable, size]);
  const busyNodes = tasks.summary.nodes.filter((node) => node.busy > 0).length;
  const picture = !isPreparing(job.state) && (tasks.summary.count > 0 || tasks.failure === null);
  return (
    <div className={styles.job}>
      <Head job={shown} busyNodes={busyNodes} />
      <div className={styles.body}>
        {isPreparing(job.state) && <Preparing job={shown} />}
        {picture && <JobStage job={shown} tasks={tasks} screen={screen} />}
        {!picture && tasks.failure && <ProblemNote failure={tasks.failure} />}
        <Panels job={shown} tasks={tasks} screen={screen} />
      </div>
    </div>
  );
}

function LoadedCommands({ job }: { job: Job }) {
  useTitle(job.name);
  return (
    <div className={styles.job}>
      <Head job={job} />
      <CommandsBody job={job} />
    </div>
  );
}

export default function JobView({ params }: ViewProps) {
  const m = useMessages();
  const { data, failure, reload } = useJob(params.id!);
  if (data) {
    return (
      <div className={styles.container}>
        {data.kind === 'commands' ? <LoadedCommands job={data} /> : <Loaded job={data} />}
      </div>
    );
  }
  if (failure instanceof ApiError && failure.status === 404) {
    return (
      <EmptyState icon="search" title={m.job.notFound} action={<ButtonLink to="/jobs">{m.shell.toJobs}</ButtonLink>} />
    );
  }
  return (
    <div className={styles.waiting}>
      {failure ? (
        <ProblemNote failure={failure} onRetry={reload} />
      ) : (
        <>
          <Skeleton width={280} height={24} />
          <Skeleton height={44} />
          <Skeleton height="60vh" />
        </>
      )}
    </div>
  );
}
