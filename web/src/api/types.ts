// The schemas of the node's API by the names the studio uses; openapi.ts is made from the API's document. Amounts are
// integers of base units as strings, times RFC 3339, spans seconds. A field that may be absent means the same as null.
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Problem = Schemas['Problem'];
export type Resolution = Schemas['Resolution'];

export type NewUpload = Schemas['NewUpload'];
export type UploadFile = Schemas['UploadFile'];
export type UploadView = Schemas['UploadView'];
export type SceneSource = Schemas['SceneSource'];
export type Inspection = Schemas['Inspection'];
export type SceneFacts = Schemas['SceneFacts'];
export type Dependency = Schemas['Dependency'];
export type Finding = Schemas['Finding'];

export type TemplateInspection = Schemas['TemplateInspection'];
export type TemplateView = Schemas['TemplateView'];
export type ParameterView = Schemas['ParameterView'];

export type NewJob = Schemas['NewJob'];
export type JobSettings = Schemas['JobSettings'];
export type OutputFormat = Schemas['OutputFormat'];
export type JobChange = Schemas['JobChange'];
export type JobState = Schemas['JobState'];
export type JobSummary = Schemas['JobSummary'];
export type JobView = Schemas['JobView'];
export type Quote = Schemas['QuoteView'];
export type CurvePoint = Schemas['CurvePoint'];
export type ProviderShare = Schemas['ProviderShare'];
export type Output = Schemas['Output'];

export type TaskState = Schemas['TaskState'];
export type TaskRow = Schemas['TaskRow'];
export type TaskPage = Schemas['TaskPage'];
export type AttemptView = Schemas['AttemptView'];
export type CommandTask = Schemas['CommandTask'];
export type Explanation = Schemas['Explanation'];
export type AuditReport = Schemas['AuditReport'];
export type LogView = Schemas['LogView'];

export type NodeEvent = Schemas['NodeEvent'];

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

/** The document has a schema for each kind of page and list; they differ in their items only. */
export type Page<Item> = Omit<Schemas['Page_JobSummary'], 'items'> & { items: Item[] };
export type List<Item> = { items: Item[] };
