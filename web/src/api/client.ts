// One function per endpoint. Every call carries the token, turns refusals into ApiError and silence into OfflineError,
// and can be aborted. Views do not call fetch themselves.
import { currentToken, tokenRefused } from '@/app/session';
import { ApiError, isAbort, OfflineError, problemOf } from './problem';
import type * as T from './types';

type Query = Record<string, string | number | boolean | null | undefined>;
export interface CallOptions {
  signal?: AbortSignal | undefined;
}
interface SendOptions extends CallOptions {
  /** `no-cache`: the browser asks the node whether its copy is still good (ETag), and keeps it if so. */
  cache?: RequestCache;
  query?: Query;
  body?: unknown;
  bytes?: Blob | ArrayBuffer;
  headers?: Record<string, string>;
}

/** Path of an endpoint with its query; empty values are left out. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return `/v1${path}${text ? `?${text}` : ''}`;
}

/** A call whose answer is used as it is (a picture, a file, a stream). */
export async function send(method: string, path: string, options: SendOptions = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  const token = currentToken();
  if (token) headers.set('Authorization', `Bearer ${token}`);
  let body: BodyInit | null = null;
  if (options.bytes !== undefined) {
    headers.set('Content-Type', 'application/octet-stream');
    body = options.bytes;
  } else if (options.body !== undefined) {
    headers.set('Content-Type', 'application/json');
    body = JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method,
      headers,
      body,
      signal: options.signal ?? null,
      cache: options.cache ?? 'default',
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new OfflineError(error);
  }
  if (response.ok || response.status === 304) return response;
  // 502 to 504 come from a proxy in front of a node that is down, not from the node.
  if (response.status >= 502 && response.status <= 504) throw new OfflineError(response.statusText);
  if (response.status === 401) tokenRefused(token);
  throw new ApiError(await problemOf(response));
}

async function json<Answer>(method: string, path: string, options: SendOptions = {}): Promise<Answer> {
  const response = await send(method, path, options);
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

const get = <Answer>(path: string, query?: Query, options?: CallOptions) =>
  json<Answer>('GET', path, { ...options, ...(query && { query }) });
const post = <Answer>(path: string, body?: unknown, headers?: Record<string, string>) =>
  json<Answer>('POST', path, { body: body ?? {}, ...(headers && { headers }) });

/** A key that makes repeating a create harmless: make it once per intention, keep it for retries. */
export function newIdempotencyKey(): string {
  // randomUUID exists in secure contexts only; a node on a LAN without TLS is not one.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export interface JobFilter {
  state?: string;
  q?: string;
  limit?: number;
  cursor?: string | null;
}

export interface PreviewQuery {
  /** The first of which something is there when left out. */
  frame?: number;
  /** The longer side in pixels. */
  side: number;
  tile_task?: number;
  /** In stops. */
  exposure?: number;
  channel?: string;
}

export const api = {
  // Jobs
  jobs: (filter: JobFilter = {}, options?: CallOptions) => get<T.Page<T.JobSummary>>('/jobs', { ...filter }, options),
  job: (id: string, options?: CallOptions) => get<T.JobView>(`/jobs/${id}`, undefined, options),
  createJob: (job: T.NewJob, idempotencyKey: string) =>
    post<T.JobSummary>('/jobs', job, { 'Idempotency-Key': idempotencyKey }),
  startJob: (id: string, budget?: string) => post<T.JobSummary>(`/jobs/${id}/start`, { budget }),
  pauseJob: (id: string) => post<T.JobSummary>(`/jobs/${id}/pause`),
  resumeJob: (id: string) => post<T.JobSummary>(`/jobs/${id}/resume`),
  cancelJob: (id: string) => post<T.JobSummary>(`/jobs/${id}/cancel`),
  retryJob: (id: string, autoStart: boolean) => post<T.JobSummary>(`/jobs/${id}/retry`, { auto_start: autoStart }),
  duplicateJob: (id: string, changes: T.JobSettings) => post<T.JobSummary>(`/jobs/${id}/duplicate`, { changes }),
  patchJob: (id: string, change: T.JobChange) => json<T.JobSummary>('PATCH', `/jobs/${id}`, { body: change }),
  quote: (id: string, options?: CallOptions) => get<T.Quote>(`/jobs/${id}/quote`, undefined, options),
  tasks: (id: string, query: { since?: number; limit?: number; cursor?: string | null }, options?: CallOptions) =>
    get<T.TaskPage>(`/jobs/${id}/tasks`, query, options),
  attempts: (
    id: string,
    query: { task?: number; node?: string; limit?: number; cursor?: string | null },
    o?: CallOptions,
  ) => get<T.Page<T.AttemptView>>(`/jobs/${id}/attempts`, query, o),
  commands: (id: string, query: { limit?: number; cursor?: string | null }, o?: CallOptions) =>
    get<T.Page<T.CommandTask>>(`/jobs/${id}/commands`, query, o),
  log: (id: string, attempt?: number, options?: CallOptions) => get<T.LogView>(`/jobs/${id}/log`, { attempt }, options),
  explain: (id: string, task?: number, options?: CallOptions) =>
    get<T.Page<T.Explanation>>(`/jobs/${id}/explain`, { task }, options),
  audit: (id: string, options?: CallOptions) => get<T.AuditReport>(`/jobs/${id}/audit`, undefined, options),
  outputs: (id: string, options?: CallOptions) => get<T.List<T.Output>>(`/jobs/${id}/outputs`, undefined, options),
  preview: async (id: string, query: PreviewQuery, options?: CallOptions): Promise<Blob> => {
    const response = await send('GET', `/jobs/${id}/preview`, { query: { ...query }, cache: 'no-cache', ...options });
    return response.blob();
  },
  output: (id: string, index: number, options?: CallOptions) =>
    send('GET', `/jobs/${id}/outputs/${index}`, { query: { inline: 1 }, ...options }),
  channels: (id: string, frame: number, options?: CallOptions) =>
    get<string[]>(`/jobs/${id}/channels`, { frame }, options),

  // Scenes and uploads
  inspect: (request: T.Inspection, options?: CallOptions) =>
    json<T.SceneFacts>('POST', '/inspect', { body: request, ...options }),
  inspectTemplate: (request: T.TemplateInspection, options?: CallOptions) =>
    json<T.TemplateView>('POST', '/commands/inspect', { body: request, ...options }),
  newUpload: (upload: T.NewUpload) => post<T.UploadView>('/uploads', upload),
  upload: (id: string, options?: CallOptions) => get<T.UploadView>(`/uploads/${id}`, undefined, options),
  putChunk: (id: string, sha256: string, bytes: Blob | ArrayBuffer, options?: CallOptions) =>
    json<void>('PUT', `/uploads/${id}/chunks/${sha256}`, { bytes, ...options }),
  finishUpload: (id: string) => post<T.UploadView>(`/uploads/${id}/finish`),

  // Nodes, money, chain
  providers: (options?: CallOptions) => get<T.List<T.ProviderView>>('/providers', undefined, options),
  wallet: (options?: CallOptions) => get<T.Wallet>('/wallet', undefined, options),
  walletHistory: (query: { limit?: number; cursor?: string | null }, options?: CallOptions) =>
    get<T.Page<T.WalletEntry>>('/wallet/history', query, options),
  faucet: () => post<T.Wallet>('/wallet/faucet'),
  chain: (options?: CallOptions) => get<T.ChainView>('/chain', undefined, options),
  blocks: (query: { before?: number; limit?: number }, options?: CallOptions) =>
    get<T.Page<T.BlockView>>('/chain/blocks', query, options),
  block: (id: string, options?: CallOptions) => get<T.BlockView>(`/chain/blocks/${id}`, undefined, options),
  transaction: (hash: string, options?: CallOptions) =>
    get<T.TransactionView>(`/chain/transactions/${hash}`, undefined, options),

  // The node itself
  node: (options?: CallOptions) => get<T.NodeView>('/node', undefined, options),
  patchNode: (change: T.NodeChange) => json<T.NodeView>('PATCH', '/node', { body: change }),
  invite: (options?: CallOptions) => get<T.InviteView>('/invite', undefined, options),
  tokens: (options?: CallOptions) => get<T.List<T.TokenView>>('/tokens', undefined, options),
  createToken: (token: T.NewToken) => post<T.MadeToken>('/tokens', token),
  deleteToken: (id: string) => json<void>('DELETE', `/tokens/${id}`),
  webhooks: (options?: CallOptions) => get<T.List<T.Webhook>>('/webhooks', undefined, options),
  createWebhook: (hook: T.NewWebhook) => post<T.MadeWebhook>('/webhooks', hook),
  deleteWebhook: (id: string) => json<void>('DELETE', `/webhooks/${id}`),
};
