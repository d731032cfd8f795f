// What the page and its event worker say to each other.
import type { PackedTasks } from './packedTasks';
import type { NodeEvent } from './types';

/** Events as views get them: as the node sends them, but tasks packed. */
export type StudioEvent =
  | Exclude<NodeEvent, { event: 'tasks' }>
  | { event: 'tasks'; data: { job: string; rev: number; tasks: PackedTasks } };
export type EventKind = StudioEvent['event'];
export type EventData<K extends EventKind> = Extract<StudioEvent, { event: K }>['data'];

export type ToWorker =
  /** Connects. `run` comes back with every answer, so that answers of an older run can be told apart. */
  | { kind: 'open'; run: number; url: string; token: string }
  | { kind: 'close' }
  /** Another session: what was seen before means nothing now. */
  | { kind: 'forget' }
  /** Which events anyone listens to, and for which jobs; the rest is not even parsed. */
  | { kind: 'wanted'; wanted: Partial<Record<EventKind, string[] | 'all'>> };

export type FromWorker =
  | { kind: 'live'; run: number }
  | { kind: 'events'; run: number; events: StudioEvent[] }
  /** The stream ended: the node refused with a status, or (null) it is gone. */
  | { kind: 'closed'; run: number; status: number | null };
