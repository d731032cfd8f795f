// From a scene to its pictures in one call: upload, job, quote, start within the budget, events, outputs.
import { isFinal } from './api/jobs.js';
import type { OutputFile } from './api/outputs.js';
import type { Rayswarm } from './client.js';
import { BudgetError, JobError, leastBudget } from './problem.js';
import type { Source } from './sources.js';
import type { CallOptions, JobSettings, JobSummary, RayswarmEvent, SceneSource } from './types.js';
import type { UploadOptions } from './upload.js';

/** How long the last word to the node may take when the caller has gone. */
const LAST_WORD_MS = 10_000;

/**
 * What to render: something to upload, a finished upload, or (`onNode`) a file of the node's machine, for tokens with
 * the scope `paths`.
 */
export type Scene = Source | { upload: string } | { onNode: string };

export interface WaitOptions extends CallOptions {
  /** Hears every event of the job, beginning with how it stands. */
  onEvent?: ((event: RayswarmEvent) => void) | undefined;
}

export interface RenderOptions extends WaitOptions, Pick<UploadOptions, 'scene' | 'onProgress'> {
  /** The most the job may cost, in base units; `'any'` accepts whatever is quoted. */
  budget: bigint | string | 'any';
  /** How it is rendered; the rest comes from the scene file. */
  settings?: Omit<JobSettings, 'budget' | 'auto_start'> | undefined;
}

/**
 * Throws `BudgetError` with the quote when that is above the budget, `JobError` when the job fails, `ProblemError` when
 * the node refuses. A job that the signal interrupts is cancelled: what is finished is paid, the rest refunded.
 */
export async function render(client: Rayswarm, scene: Scene, options: RenderOptions): Promise<OutputFile[]> {
  const { settings = {}, signal } = options;
  const budget = options.budget === 'any' ? null : BigInt(options.budget);
  const source = await sourceOf(client, scene, options);
  const { id } = await client.jobs.create({ ...settings, scene: source }, { signal });
  try {
    return await wait(client, id, options, (job) => start(client, job, budget, signal));
  } catch (error) {
    if (signal?.aborted) await client.jobs.cancel(id, { signal: AbortSignal.timeout(LAST_WORD_MS) }).catch(() => {});
    throw error;
  }
}

/** The finished files of a job, once it is done; `onQuoted` is called once, if it is or becomes quoted. */
export async function wait(
  client: Rayswarm,
  id: string,
  { onEvent, signal }: WaitOptions,
  onQuoted?: (job: JobSummary) => Promise<void>,
): Promise<OutputFile[]> {
  let isAsked = false;
  for await (const event of client.jobs.follow(id, { signal })) {
    onEvent?.(event);
    if (event.event !== 'job' || event.data.id !== id) continue;
    const job = event.data;
    if (isFinal(job.state) && job.state !== 'done') throw new JobError(job);
    if (job.state !== 'quoted' || isAsked) continue;
    isAsked = true;
    await onQuoted?.(job);
  }
  return client.outputs.list(id, { signal });
}

async function sourceOf(client: Rayswarm, scene: Scene, options: RenderOptions): Promise<SceneSource> {
  if ('upload' in scene) return { upload: scene.upload };
  if ('onNode' in scene) return { path: scene.onNode };
  const { scene: name, onProgress, signal } = options;
  const uploadOptions = { scene: name, onProgress, signal };
  const isBlend = 'path' in scene && /\.blend$/i.test(scene.path);
  const { id } = isBlend ? await client.uploadScene(scene, uploadOptions) : await client.upload(scene, uploadOptions);
  return { upload: id };
}

async function start(client: Rayswarm, job: JobSummary, budget: bigint | null, signal?: AbortSignal): Promise<void> {
  const quote = await client.jobs.quote(job.id, { signal });
  if (budget !== null && budget < leastBudget(quote)) throw new BudgetError(job, quote, budget);
  const isLower = budget !== null && budget < BigInt(quote.budget);
  await client.jobs.start(job.id, { ...(isLower && { budget }), signal });
}
