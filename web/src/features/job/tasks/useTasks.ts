// Fills a TaskTable from the node and keeps it current: pages first, then events, and again what changed after a break.
// React sees only a small summary, a few times a second, however fast tasks change.
import { useEffect, useState } from 'react';
import { api } from '@/api/client';
import { onEvent } from '@/api/events';
import { packTasks, TASK_STATES } from '@/api/packedTasks';
import { type Failure, isAbort, toFailure } from '@/api/problem';
import type { TaskPage } from '@/api/types';
import { TaskTable } from './taskTable';

const PAGE = 10_000;
const SUMMARY_MS = 400;
const RETRY_MS = 3000;

export interface NodeShare {
  id: string;
  busy: number;
  verified: number;
}
export interface TaskSummary {
  /** Grows with each summary; 0 until the first tasks are here. */
  version: number;
  count: number;
  totals: readonly number[];
  nodes: readonly NodeShare[];
}
export interface Tasks {
  table: TaskTable;
  summary: TaskSummary;
  failure: Failure | null;
}

const EMPTY: TaskSummary = { version: 0, count: 0, totals: TASK_STATES.map(() => 0), nodes: [] };

function summarise(table: TaskTable, version: number): TaskSummary {
  const nodes: NodeShare[] = [];
  for (let i = 1; i < table.nodes.length; i += 1) {
    nodes.push({ id: table.nodes[i]!, busy: table.nodeBusy[i]!, verified: table.nodeVerified[i]! });
  }
  return { version, count: table.count, totals: [...table.totals], nodes };
}

/** Reads everything after revision `since`, page by page; answers the revision up to which all is known. */
async function readAll(job: string, since: number, table: TaskTable, signal: AbortSignal): Promise<number> {
  let cursor: string | null = null;
  let complete: number | null = null;
  do {
    const page: TaskPage = await api.tasks(job, { since, limit: PAGE, cursor }, { signal });
    table.apply(packTasks(page.tasks));
    // Later pages may be from later revisions; what changed meanwhile on earlier pages came as events.
    complete ??= page.rev;
    cursor = page.next_cursor ?? null;
  } while (cursor);
  return complete;
}

/** `planned`: the job has a plan, hence tasks; before that there is nothing to read. */
export function useTasks(job: string, planned: boolean): Tasks {
  const [table, setTable] = useState(() => new TaskTable());
  const [summary, setSummary] = useState(EMPTY);
  const [failure, setFailure] = useState<Failure | null>(null);

  useEffect(() => {
    if (!planned) return;
    const stop = new AbortController();
    let retry: ReturnType<typeof setTimeout> | undefined;
    let known = 0;
    const read = async () => {
      try {
        known = await readAll(job, known, table, stop.signal);
        setFailure(null);
      } catch (error) {
        if (isAbort(error)) return;
        setFailure(toFailure(error));
        retry = setTimeout(read, RETRY_MS);
      }
    };
    void read();
    const stops = [
      onEvent('tasks', (data) => data.job === job && table.apply(data.tasks), job),
      // The node lost its place or its memory: revisions may have begun anew, so the table does too.
      onEvent('reset', () => setTable(new TaskTable())),
    ];
    return () => {
      stop.abort();
      clearTimeout(retry);
      for (const each of stops) each();
    };
  }, [job, table, planned]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let version = 1;
    const publish = () => {
      timer = undefined;
      setSummary(summarise(table, version++));
    };
    const { stop } = table.watch(() => {
      timer ??= setTimeout(publish, SUMMARY_MS);
    });
    if (table.count > 0) publish();
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [table]);

  return { table, summary, failure };
}
