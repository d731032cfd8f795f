// The schemas of the node's API by name, and what the API's document says of each path: parameters, body, answer.
// Amounts are integers of base units as strings, times RFC 3339, spans seconds. A field that may be absent means the
// same as null.
import type { components, paths } from './openapi.js';

/** Every schema of the API's document, for those that have no name of their own here. */
export type Schemas = components['schemas'];

export type Problem = Schemas['Problem'];

export type NewUpload = Schemas['NewUpload'];
export type UploadFile = Schemas['UploadFile'];
export type UploadView = Schemas['UploadView'];
export type SceneSource = Schemas['SceneSource'];
export type Inspection = Schemas['Inspection'];
export type SceneFacts = Schemas['SceneFacts'];
export type Dependency = Schemas['Dependency'];

export type TemplateInspection = Schemas['TemplateInspection'];
export type TemplateView = Schemas['TemplateView'];
export type ParameterView = Schemas['ParameterView'];

export type NewJob = Schemas['NewJob'];
export type JobSettings = Schemas['JobSettings'];
export type JobChange = Schemas['JobChange'];
export type JobState = Schemas['JobState'];
export type JobSummary = Schemas['JobSummary'];
export type JobView = Schemas['JobView'];
export type Quote = Schemas['QuoteView'];
export type Output = Schemas['Output'];
export type OutputKind = Schemas['OutputKind'];

export type TaskPage = Schemas['TaskPage'];
export type TaskRow = Schemas['TaskRow'];
export type AttemptView = Schemas['AttemptView'];
export type CommandTask = Schemas['CommandTask'];
export type Explanation = Schemas['Explanation'];
export type AuditReport = Schemas['AuditReport'];
export type LogView = Schemas['LogView'];

export type NodeView = Schemas['NodeView'];
export type NodeChange = Schemas['NodeChange'];
export type InviteView = Schemas['InviteView'];
export type ProviderView = Schemas['ProviderView'];

export type Wallet = Schemas['WalletView'];
export type WalletEntry = Schemas['WalletEntry'];
export type ChainView = Schemas['ChainView'];
export type BlockView = Schemas['BlockView'];
export type TransactionView = Schemas['TransactionView'];

export type Scope = Schemas['Scope'];
export type TokenView = Schemas['TokenView'];
export type NewToken = Schemas['NewToken'];
export type MadeToken = Schemas['MadeToken'];
export type Webhook = Schemas['WebhookView'];
export type NewWebhook = Schemas['NewWebhook'];
export type MadeWebhook = Schemas['MadeWebhook'];

/** Something that happened on the node; `id` is where the stream goes on when given as `since`. */
export type RayswarmEvent = Schemas['NodeEvent'] & { id: string };

/** A part of a list, and where the next part begins. */
export interface Page<Item> {
  items: Item[];
  next_cursor?: string | null;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call, and whatever it waits for. */
  signal?: AbortSignal | undefined;
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The paths that take a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> = paths[P][M & keyof paths[P]];
type Parameters<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { parameters: infer Given } ? Given : never;

/** The query of a call. */
export type QueryOf<P extends keyof paths, M extends Method = 'get'> =
  Parameters<P, M> extends { query?: infer Query } ? Exclude<Query, undefined> : never;

type PathPart<P extends keyof paths, M extends Method> =
  Parameters<P, M> extends { path: infer Path } ? { path: Path } : { path?: never };
type QueryPart<P extends keyof paths, M extends Method> =
  Parameters<P, M> extends { query: infer Query } ? { query: Query } : { query?: QueryOf<P, M> | undefined };
type JsonOf<Content> = Content extends { content: { 'application/json': infer Json } } ? Json : never;
type BodyPart<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody: infer Body }
    ? { body: JsonOf<Body> }
    : Operation<P, M> extends { requestBody?: infer Body }
      ? { body?: JsonOf<Exclude<Body, undefined>> | undefined }
      : { body?: never };

/** What a call of this path sends. */
export type InputOf<P extends keyof paths, M extends Method> = PathPart<P, M> & QueryPart<P, M> & BodyPart<P, M>;

/** What a call of this path answers when it succeeds. */
export type AnswerOf<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer Responses }
    ? { [Status in keyof Responses & (200 | 201)]: JsonOf<Responses[Status]> }[keyof Responses & (200 | 201)]
    : never;
