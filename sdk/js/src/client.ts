// A node, as a program sees it: groups of calls, and what takes several of them.
import { Jobs } from './api/jobs.js';
import { ChainCalls, WalletCalls } from './api/money.js';
import { NodeCalls, ProviderCalls, TokenCalls, WebhookCalls } from './api/node.js';
import { type OutputFile, Outputs } from './api/outputs.js';
import { UploadCalls } from './api/uploads.js';
import { type EventsOptions, events } from './events.js';
import { uploadWithDependencies } from './gather.js';
import { type RenderOptions, render, type Scene, type WaitOptions, wait } from './render.js';
import { type RenderedImage, type RenderImageOptions, renderImageWith } from './renderImage.js';
import type { LocalPath, Source } from './sources.js';
import { type Connection, Transport } from './transport.js';
import type {
  CallOptions,
  Inspection,
  RayswarmEvent,
  SceneFacts,
  TemplateInspection,
  TemplateView,
  UploadView,
} from './types.js';
import { type UploadOptions, upload } from './upload.js';

/** A client holds no connection and needs no closing. Every call takes a `signal`. */
export class Rayswarm {
  readonly jobs: Jobs;
  readonly outputs: Outputs;
  readonly uploads: UploadCalls;
  readonly wallet: WalletCalls;
  readonly chain: ChainCalls;
  readonly node: NodeCalls;
  readonly providers: ProviderCalls;
  readonly tokens: TokenCalls;
  readonly webhooks: WebhookCalls;
  readonly #transport: Transport;

  constructor(connection: Connection = {}) {
    const transport = new Transport(connection);
    this.#transport = transport;
    this.jobs = new Jobs(transport);
    this.outputs = new Outputs(transport);
    this.uploads = new UploadCalls(transport);
    this.wallet = new WalletCalls(transport);
    this.chain = new ChainCalls(transport);
    this.node = new NodeCalls(transport);
    this.providers = new ProviderCalls(transport);
    this.tokens = new TokenCalls(transport);
    this.webhooks = new WebhookCalls(transport);
  }

  /**
   * Sends a scene's files: a Blob, a File, a list of them, or a file or folder of this machine (Node.js). Only chunks
   * that the node lacks travel, so that doing it again goes on where it stopped.
   */
  upload(source: Source, options?: UploadOptions): Promise<UploadView> {
    return upload(this.#transport, source, options);
  }

  /** Sends a scene of this machine with the files of its folder that it names (Node.js). */
  uploadScene(scene: LocalPath, options?: UploadOptions): Promise<UploadView> {
    return uploadWithDependencies(this.#transport, scene, options);
  }

  /** Opens a scene and says what it is and needs. */
  inspect(inspection: Inspection, { signal }: CallOptions = {}): Promise<SceneFacts> {
    return this.#transport.call('post', '/v1/inspect', { body: inspection, signal, repeatable: true });
  }

  /** Reads an Open Job Description template, or that of an uploaded bundle, and says what it asks for and would do. */
  inspectTemplate(inspection: TemplateInspection, { signal }: CallOptions = {}): Promise<TemplateView> {
    return this.#transport.call('post', '/v1/commands/inspect', { body: inspection, signal, repeatable: true });
  }

  /** Uploads a scene, waits for its quote, starts it if that is within the budget, waits for the pictures. */
  render(scene: Scene, options: RenderOptions): Promise<OutputFile[]> {
    return render(this, scene, options);
  }

  /** Waits for the pictures of a job that was started; a failed or cancelled one throws `JobError`. */
  wait(job: string, options: WaitOptions = {}): Promise<OutputFile[]> {
    return wait(this, job, options);
  }

  /** What happens on the node from now on, or after the event `since`. A `reset` says that events were lost. */
  events(options?: EventsOptions): AsyncGenerator<RayswarmEvent> {
    return events(this.#transport, options);
  }

  /** Has a model work on a picture of the web. */
  renderImage(
    imageUrl: string,
    model: string,
    options?: Omit<RenderImageOptions, 'url' | 'fetch'>,
  ): Promise<RenderedImage> {
    return renderImageWith(this.#transport, imageUrl, model, options);
  }
}
