// Which jobs a list shows, and how events change it. Pure.
import type { JobState, JobSummary } from '@/api/types';

export type Show = 'all' | 'active' | 'quoted' | 'done' | 'failed' | 'cancelled';
export const SHOWN: Record<Show, readonly JobState[]> = {
  all: [],
  active: ['analysing', 'probing', 'funding', 'rendering', 'settling'],
  quoted: ['quoted'],
  done: ['done'],
  failed: ['failed'],
  cancelled: ['cancelled'],
};
export interface Filter {
  show: Show;
  text: string;
}

/** Whether a job belongs under a filter; the node decides for pages, this decides for events. */
export function fits(job: JobSummary, { show, text }: Filter): boolean {
  const states = SHOWN[show];
  if (states.length > 0 && !states.includes(job.state)) return false;
  const wanted = text.trim().toLowerCase();
  return wanted === '' || job.name.toLowerCase().includes(wanted) || job.id.toLowerCase().includes(wanted);
}

/** Newest first, as the node lists them. */
export function merge(jobs: readonly JobSummary[], changed: Iterable<JobSummary>, filter: Filter): JobSummary[] {
  const next = [...jobs];
  const at = new Map(jobs.map((job, index) => [job.id, index]));
  const fresh: JobSummary[] = [];
  const gone = new Set<string>();
  for (const job of changed) {
    const index = at.get(job.id);
    if (!fits(job, filter)) gone.add(job.id);
    else if (index !== undefined) next[index] = job;
    // A job older than the last row belongs to a page that was not read yet.
    else if (jobs.length === 0 || job.created_at >= jobs[jobs.length - 1]!.created_at) fresh.push(job);
  }
  const kept = gone.size > 0 ? next.filter((job) => !gone.has(job.id)) : next;
  return fresh.length > 0 ? [...kept, ...fresh].sort((a, b) => b.created_at.localeCompare(a.created_at)) : kept;
}
