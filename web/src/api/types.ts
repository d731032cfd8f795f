// The HTTP API of a node as TypeScript types, path by path. Kept equal to the node's OpenAPI document.

// Times are RFC 3339 strings (UTC, milliseconds). Amounts are decimal strings of base units (18 decimals by default, see
// Wallet.token_decimals). Sizes are bytes, spans are seconds (…_s), rates say their unit in the name.
// Auth: `Authorization: Bearer TOKEN` on every call except GET of the studio's own files. Errors: RFC 9457
// (application/problem+json). POST /v1/jobs takes an `Idempotency-Key` header. Lists: {items, next_cursor}.

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  next_step?: string;
}

export type JobState =
  | 'analysing'
  | 'probing'
  | 'quoted'
  | 'funding'
  | 'rendering'
  | 'settling'
  | 'done'
  | 'cancelled'
  | 'failed';
export interface Resolution {
  width: number;
  height: number;
}
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

// ---- Scenes and uploads -------------------------------------------------------------------------------------------
// Resumable, hashes first: files are cut into chunks of 4 MiB; each chunk is named by its SHA-256 (hex). The node says which
// chunks it lacks; only those are sent (PUT /v1/uploads/{id}/chunks/{sha256}, body = raw bytes, idempotent, any order);
// then POST /v1/uploads/{id}/finish puts the files together. Nothing known is sent again; a broken upload is resumed by
// posting the same file list again (same id back).
export interface UploadFile {
  path: string;
  bytes: number;
  chunks: string[];
} // path is relative, '/' separated, no '..'
export interface NewUpload {
  files: UploadFile[];
  scene: string;
} // scene: which of the files is the scene
export interface UploadView {
  id: string;
  scene: string;
  files: number;
  bytes: number;
  missing: string[];
  complete: boolean;
  expires_at: string;
}
// POST /v1/uploads NewUpload -> UploadView ; GET /v1/uploads/{id} ; PUT chunk -> 204 ; POST finish -> UploadView
// A .zip is uploaded as one file and unpacked by finish: {files:[{path:'scene.zip',…}], scene:''}; then `scene` in the view names
// the .blend found (a problem `several_scenes` lists them if there is more than one).

export type SceneSource = { upload: string } | { path: string }; // `path` needs the scope `paths`: a file on the node's machine

export interface Finding {
  severity: 'note' | 'warning' | 'refusal';
  code: string;
  message: string;
  remedy: string;
}
export interface Dependency {
  reference: string;
  path: string | null;
  kind: string;
  state: 'packed' | 'found' | 'missing' | 'needs_consent';
}
export interface SceneFacts {
  engine: string;
  engine_version: string;
  saved_by: string;
  renderer: string;
  frame_start: number;
  frame_end: number;
  frame_step: number;
  frame_rate: { numerator: number; denominator: number };
  resolution: Resolution;
  pixel_aspect_milli: number;
  samples: number;
  adaptive_sampling: boolean;
  denoise: boolean;
  compositor: boolean;
  cameras: { name: string; active: boolean; marker_frames: number[] }[];
  view_layers: { name: string; passes: string[] }[];
  output: { name: string; format: string; color_mode: string; color_depth: number };
  memory_estimate: number;
  dependencies: Dependency[];
  findings: Finding[];
  sequential: boolean;
  tile_padding: number;
  tiles_exact: boolean;
  slices_refused: string | null;
}
// POST /v1/inspect {scene: SceneSource, renderer_override?: string, allow_missing?: string[]} -> SceneFacts (takes 2-60 s)

// ---- Jobs -----------------------------------------------------------------------------------------------------------
export type OutputFormat = 'png' | 'exr' | 'exr-multilayer' | 'jpeg' | 'mp4' | 'webm';
export interface JobSettings {
  frames?: number[] | null; // a list; the studio parses '1-48' / '1,5,9-20x2' itself
  resolution?: { exact: Resolution } | { percent: number } | null;
  samples?: number | null;
  tiles?: 'auto' | { grid: [number, number] };
  slices?: 'auto' | { count: number };
  format?: OutputFormat | null;
  budget?: string | null; // base units; the quote's upper price by default
  deadline_s?: number; // 86400 by default
  renderer_override?: string | null; // 'cycles'
  allow_missing?: string[];
  auto_start?: boolean;
  keep_raw?: boolean; // also keep merged scene-linear EXR (needed for the exposure/channel view)
  name?: string; // shown in lists; the scene's file name by default
}
export interface NewJob extends JobSettings {
  scene: SceneSource;
  output?: string;
} // `output`: folder on the node, needs `paths`
export interface Quote {
  resolution: Resolution;
  samples: number;
  price: string;
  budget: string; // expected; locked at most
  time_s: number;
  time_low_s: number;
  time_high_s: number;
  tasks: number;
  frames: number;
  tiles: number;
  slices: number;
  result_bytes: number;
  providers: number;
  assumptions: string[];
  curve: { budget: string; time_s: number; providers: number }[]; // cheapest to quickest: for the one slider; may have 1 point
}
export interface ProviderShare {
  id: string;
  account: string;
  tasks: number;
  audited: number;
  audits_rendered: number;
  cpu_ms: number;
  audit_cpu_ms: number;
  paid: string;
}
export interface Escrow {
  deposited: string;
  paid: string;
  refunded: string;
  locked: string;
}
export interface JobSummary {
  id: string;
  name: string;
  state: JobState;
  paused: boolean;
  priority: number; // -100..100, 0 by default
  problem: Problem | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  tasks: number;
  tasks_verified: number;
  frames: number;
  frames_finished: number;
  progress_permille: number;
  eta_s: number | null;
  budget: string;
  paid: string;
}
export interface JobView extends JobSummary {
  settings: JobSettings;
  facts: SceneFacts | null;
  quote: Quote | null;
  resolution: Resolution | null;
  frame_numbers: number[];
  attempts: number;
  providers: ProviderShare[];
  escrow: Escrow;
  settlement: { transactions: string[]; gas_used: number };
  outputs: Output[];
  wall_s: number;
  log: string[];
}
// GET /v1/jobs?state=rendering,settling&q=text&limit=50&cursor=… -> {items: JobSummary[], next_cursor: string|null}
// POST /v1/jobs NewJob -> JobSummary ; GET /v1/jobs/{id} -> JobView
// POST /v1/jobs/{id}/start takes {budget?}: one of the curve, or between its points.
// POST /v1/jobs/{id}/start|pause|resume|cancel -> JobSummary ; POST …/retry {auto_start} -> JobSummary (a new job)
// POST …/duplicate {changes: JobSettings} -> JobSummary ; PATCH /v1/jobs/{id} {priority?, name?} -> JobSummary

// Mosaic. One row per task, compact; `rev` grows with each change: ask again with ?since=rev for what changed only.
export type TaskState = 'waiting' | 'given' | 'rendering' | 'delivered' | 'auditing' | 'verified' | 'failed';
export interface TaskRow {
  id: number;
  frame: number;
  tile: Rect;
  slice: number;
  slices: number;
  state: TaskState;
  node: string | null;
  permille: number;
  attempts: number;
  rev: number;
}
export interface TaskPage {
  rev: number;
  tasks: TaskRow[];
  next_cursor: string | null;
}
// GET /v1/jobs/{id}/tasks?since=0&limit=10000&cursor=…
export interface AttemptView {
  id: number;
  task: number;
  frame: number;
  node: string;
  purpose: 'render' | 'audit';
  of: number | null;
  state: string;
  reason: string; // why it went there, a sentence
  granted_at: string;
  started_at: string | null;
  ended_at: string | null;
  ended_reason: string | null;
  cpu_ms: number | null;
  price_per_wu_hour: string;
}
// GET /v1/jobs/{id}/attempts?task=&node=&limit=&cursor= -> {items: AttemptView[], next_cursor}
// GET /v1/jobs/{id}/log?attempt= -> {lines: {at: string, text: string}[]}
export interface Explanation {
  at: string;
  decision: string;
  reason: string;
}
// GET /v1/jobs/{id}/explain?task= -> {items: Explanation[], next_cursor}
export interface AuditView {
  attempt: number;
  task: number;
  frame: number;
  provider: string;
  auditor: string;
  crop: Rect;
  outcome: 'open' | 'passed' | 'failed' | 'inconclusive';
  at: string;
}
// GET /v1/jobs/{id}/audit -> {drawn: number, passed: number, failed: number, inconclusive: number, items: AuditView[]}
// GET /v1/jobs/{id}/preview[?frame=12]&side=960[&tile_task=17][&exposure=0.5&channel=Depth] -> image/png (what is there so far of the frame,
//   transparent where nothing is; raw colour with sRGB curve; ETag/If-None-Match). exposure in stops. channels: GET …/channels?frame= -> string[]
export interface Output {
  index: number;
  name: string;
  kind: 'frame' | 'film' | 'raw';
  frame: number | null;
  bytes: number;
  media_type: string;
}
// GET /v1/jobs/{id}/outputs -> {items: Output[]} ; GET /v1/jobs/{id}/outputs/{index} -> the file (Range, Content-Disposition; ?inline=1)
// GET /v1/jobs/{id}/quote -> Quote

// ---- Events: GET /v1/events[?job=ID] text/event-stream, with Authorization header (fetch + ReadableStream, no EventSource).
// `id:` is a number that grows by one; resume with `Last-Event-ID`. When the node no longer has the events after it (or has
// restarted) the first event is `reset`: read everything anew.
export type NodeEvent =
  | { event: 'reset'; data: Record<string, never> }
  | { event: 'job'; data: JobSummary } // created or changed (at most 5 a second per job)
  | { event: 'tasks'; data: { job: string; rev: number; tasks: TaskRow[] } } // changed rows, batched (at most 5 a second)
  | { event: 'output'; data: { job: string; output: Output } }
  | { event: 'log'; data: { job: string; at: string; text: string } }
  | { event: 'providers'; data: Record<string, never> } // read /v1/providers again
  | { event: 'block'; data: { number: number; hash: string; transactions: number; at: string } };

// ---- Nodes, money, chain ---------------------------------------------------------------------------------------------
export interface ProviderView {
  id: string;
  account: string;
  engines: string[];
  threads: number;
  memory_bytes: number;
  wu_per_second: number;
  price_per_wu_hour: string;
  rtt_ms: number | null;
  classes: string[];
  device: string;
  last_seen_s: number;
  registered: boolean;
  own: boolean;
  tier: 'private' | 'open';
  busy: boolean;
  tasks_verified: number;
  tasks_rejected: number; // reputation, over all jobs of this node
  earned: string; // what this node has paid it
}
// GET /v1/providers -> {items: ProviderView[]}
export interface Wallet {
  account: string;
  tokens: string;
  native: string;
  token_decimals: number;
  token_symbol: string;
  chain_id: number;
  rpc: string;
  token: string;
  escrow: string;
  registry: string;
  faucet: boolean;
  locked: string;
  vouchers: { job: string; cumulative: string; deadline: string }[]; // vouchers this node holds as a provider
}
export interface WalletEntry {
  at: string;
  kind: 'opened' | 'paid' | 'refunded' | 'earned';
  job: string;
  amount: string;
  transaction: string | null;
  block: number | null;
}
// GET /v1/wallet -> Wallet ; GET /v1/wallet/history?limit&cursor -> {items: WalletEntry[], next_cursor} ; POST /v1/wallet/faucet -> Wallet
export interface ChainView {
  chain_id: number;
  consensus: 'solo' | 'remote';
  height: number;
  finalized: number;
  block_time_s: number | null;
  validators: { account: string; weight: string; blocks: number }[];
}
export interface BlockView {
  number: number;
  hash: string;
  parent: string;
  at: string;
  transactions: string[];
  gas_used: number;
  gas_limit: number;
  proposer: string;
  bytes: number;
}
export interface TransactionView {
  hash: string;
  block: number;
  from: string;
  to: string | null;
  value: string;
  gas_used: number;
  ok: boolean;
  method: string | null;
  events: { name: string; text: string }[];
}
// GET /v1/chain -> ChainView ; GET /v1/chain/blocks?before=N&limit=25 -> {items: BlockView[], next_cursor} ; GET /v1/chain/blocks/{number|hash} ; GET /v1/chain/transactions/{hash}

// ---- The node itself ---------------------------------------------------------------------------------------------------
export interface NodeView {
  id: string;
  version: string;
  provides: boolean;
  provider_ready: boolean;
  provider_paused: boolean;
  chain_id: number;
  rpc: string;
  active_jobs: number;
  uptime_s: number;
  engines: { name: string; version: string }[];
  sandbox: string;
  loopback: boolean;
  settings: {
    price_per_wu_hour: string | null;
    threads: number | null;
    memory_bytes: number | null;
    cache_bytes: number;
    http: string;
  };
}
// GET /v1/node -> NodeView ; PATCH /v1/node {provider_paused?: boolean, price_per_wu_hour?: string} -> NodeView (NIMBY switch)
// GET /v1/invite -> {ticket: string}
export interface TokenView {
  id: string;
  name: string;
  scopes: Scope[];
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
}
export type Scope = 'read' | 'jobs' | 'spend' | 'node' | 'tokens' | 'paths';
// GET /v1/tokens -> {items: TokenView[]} ; POST /v1/tokens {name, scopes, expires_in_s?} -> TokenView & {token: string} (shown once) ; DELETE /v1/tokens/{id}
export interface Webhook {
  id: string;
  url: string;
  events: string[];
  created_at: string;
  last_status: number | null;
  failures: number;
}
// GET/POST /v1/webhooks {url, events} -> Webhook & {secret} ; DELETE /v1/webhooks/{id}
// How the studio signs in: `rayswarm studio` (and the line printed by `rayswarm up`) opens http://127.0.0.1:3000/#token=…; the studio
// keeps the token in localStorage and removes it from the address bar. Without a token it shows how to get one and a field to paste it.
