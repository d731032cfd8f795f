// The JavaScript client of a Rayswarm node.
export { fromBaseUnits, toBaseUnits } from './amounts.js';
export type { CreateOptions, JobFilter } from './api/jobs.js';
export { type DownloadOptions, OutputFile } from './api/outputs.js';
export { Rayswarm } from './client.js';
export type { EventsOptions } from './events.js';
export type { Listing, ListOptions } from './listing.js';
export { localNode } from './local.js';
export { BudgetError, JobError, ProblemError, UnreachableError } from './problem.js';
export type { RenderOptions, Scene, WaitOptions } from './render.js';
export { type RenderedImage, type RenderImageOptions, renderImage } from './renderImage.js';
export type { LocalPath, NamedFile, Source } from './sources.js';
export type { Connection, Fetch } from './transport.js';
export type * from './types.js';
export type { Progress, UploadOptions } from './upload.js';
export { type VerifyOptions, verifyWebhook } from './webhook.js';
