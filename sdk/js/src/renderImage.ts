// One picture of the web through a model: `POST /render`, without a token.
import { type Fetch, Transport } from './transport.js';
import type { CallOptions } from './types.js';

export interface RenderImageOptions extends CallOptions {
  /** Where the node answers: `http://127.0.0.1:3000`. */
  url?: string | URL | undefined;
  /** Seconds that the node may take before it answers; it may answer earlier, with the job still under way. */
  wait?: number | undefined;
  fetch?: Fetch | undefined;
}

export interface RenderedImage {
  status: string;
  message: string;
  job_id: string;
  output_url: string;
}

/** Has a model work on the picture at an address. What the node refuses is thrown as `ProblemError`. */
export function renderImage(
  imageUrl: string,
  model: string,
  { url, fetch, ...options }: RenderImageOptions = {},
): Promise<RenderedImage> {
  return renderImageWith(new Transport({ url, fetch }), imageUrl, model, options);
}

export async function renderImageWith(
  transport: Transport,
  imageUrl: string,
  model: string,
  { wait, signal }: Pick<RenderImageOptions, 'wait' | 'signal'> = {},
): Promise<RenderedImage> {
  const headers: Record<string, string> = wait === undefined ? {} : { Prefer: `wait=${wait}` };
  const body = { image_url: imageUrl, model };
  const response = await transport.send('post', '/render', { body, headers, signal });
  return (await response.json()) as RenderedImage;
}
