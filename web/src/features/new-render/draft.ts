// The render that is being prepared: files, upload, what was found, settings, quote; or the job of commands, which has a
// form of its own and begins at once. It lives outside of the view, so that an upload goes on while one looks at something
// else.
import { api, newIdempotencyKey } from '@/api/client';
import { ApiError, type Failure, isAbort, toFailure } from '@/api/problem';
import type { NewJob, SceneFacts, TemplateView, UploadView } from '@/api/types';
import { session } from '@/app/session';
import { createStore } from '@/app/store';
import { isTemplate, joined, type Picked, placeOf, sceneAmong, scenesNamedIn } from './files';
import { besideTemplate, readValues, type Values, valuesAfter } from './parameters';
import { type Form, firstForm, readForm } from './settings';
import { type Progress, uploadFiles } from './upload';

export type Phase = 'choose' | 'which' | 'upload' | 'inspect' | 'settings' | 'quote' | 'commands';

export interface Draft {
  phase: Phase;
  files: readonly Picked[];
  /** Which of the files is the scene; empty for an archive whose scene is not known yet. */
  scene: string;
  archive: boolean;
  /** Scenes to choose from. */
  scenes: readonly string[];
  progress: Progress | null;
  upload: UploadView | null;
  facts: SceneFacts | null;
  form: Form | null;
  allowed: readonly string[];
  template: TemplateView | null;
  values: Values;
  job: string | null;
  busy: boolean;
  failure: Failure | null;
  /** What was chosen holds no scene. */
  nothing: boolean;
}

const EMPTY: Draft = {
  phase: 'choose',
  files: [],
  scene: '',
  archive: false,
  scenes: [],
  progress: null,
  upload: null,
  facts: null,
  form: null,
  allowed: [],
  template: null,
  values: {},
  job: null,
  busy: false,
  failure: null,
  nothing: false,
};

export const draft = createStore<Draft>(EMPTY);
const patch = (change: Partial<Draft>) => draft.set({ ...draft.get(), ...change });

let running = new AbortController();
/** A create is repeated with its key as long as nothing in it changed; another wish gets another key. */
let intention: { text: string; key: string } | null = null;

function keyFor(job: NewJob): string {
  const text = JSON.stringify(job);
  if (intention?.text !== text) intention = { text, key: newIdempotencyKey() };
  return intention.key;
}

export function startOver(): void {
  running.abort();
  intention = null;
  draft.set(EMPTY);
}
session.subscribe(startOver);

/** Files were dropped or chosen: the beginning, or an addition to what the scene misses. */
export function take(picked: readonly Picked[]): void {
  const { phase, files, scene, facts, archive } = draft.get();
  if (phase === 'choose') {
    const choice = sceneAmong(picked.map(({ path }) => path));
    if (choice.kind === 'none') patch({ nothing: true });
    else if (choice.kind === 'several') patch({ phase: 'which', files: picked, scenes: choice.scenes, nothing: false });
    else {
      const alone = choice.kind === 'scene' ? choice.scene : '';
      patch({ files: picked, scene: alone, archive: choice.kind === 'archive', nothing: false });
      void send();
    }
  } else if (phase === 'settings' && !archive && picked.length > 0) {
    const missing = (facts?.dependencies ?? []).filter(({ state }) => state === 'missing');
    const references = missing.map(({ reference }) => reference);
    const placed = picked.map(({ path, file }) => ({ path: placeOf(path, scene, references), file }));
    patch({ files: joined(files, placed) });
    void send();
  } else if (phase === 'commands' && !archive && picked.length > 0) {
    const placed = picked.map(({ path, file }) => ({ path: besideTemplate(path, scene), file }));
    patch({ files: joined(files, placed) });
    void send();
  }
}

export function chooseScene(scene: string): void {
  patch({ scene });
  void send();
}

/** Uploads and inspects; repeated after a failure, it goes on where it stopped. */
export async function send(): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  patch({ phase: 'upload', progress: null, failure: null });
  const { files, scene, archive } = draft.get();
  try {
    const upload = await uploadFiles(files, scene, (progress) => !signal.aborted && patch({ progress }), signal);
    patch({ upload, scene: upload.scene || scene });
    await look(signal);
  } catch (error) {
    if (isAbort(error) || signal.aborted) return;
    if (archive && error instanceof ApiError && error.code === 'several_scenes') {
      patch({ phase: 'which', scenes: scenesNamedIn(error.problem.detail), failure: error });
    } else patch({ failure: toFailure(error) });
  }
}

/** Has the node open the scene in its sandbox, or read the template. */
async function look(signal: AbortSignal): Promise<void> {
  patch({ phase: 'inspect', failure: null });
  const { upload, allowed, form, scene, template: before, values } = draft.get();
  if (!upload) return;
  if (isTemplate(scene)) {
    const template = await api.inspectTemplate({ scene: { upload: upload.id } }, { signal });
    patch({ phase: 'commands', template, values: valuesAfter(template, before, values) });
    return;
  }
  const facts = await api.inspect({ scene: { upload: upload.id }, allow_missing: [...allowed] }, { signal });
  // What was already filled in stays, for instance after a missing file was added.
  patch({ phase: 'settings', facts, form: form ?? firstForm(facts, scene) });
}

export function change(part: Partial<Form>): void {
  const { form } = draft.get();
  if (form) patch({ form: { ...form, ...part } });
}

/** One of the fields that hold a text. */
export function changeText(
  key: 'percent' | 'width' | 'height' | 'samples' | 'columns' | 'rows' | 'slices',
  text: string,
): void {
  const { form } = draft.get();
  if (form) patch({ form: { ...form, [key]: text } });
}

export function changeValue(name: string, value: string): void {
  patch({ values: { ...draft.get().values, [name]: value } });
}

export function allow(reference: string, allowed: boolean): void {
  const others = draft.get().allowed.filter((each) => each !== reference);
  patch({ allowed: allowed ? [...others, reference] : others });
}

function wantedJob(): NewJob | null {
  const { upload, form, facts, allowed } = draft.get();
  if (!upload || !form || !facts) return null;
  const { settings, wrong } = readForm(form, facts);
  if (Object.keys(wrong).length > 0) return null;
  return { ...settings, scene: { upload: upload.id }, ...(allowed.length > 0 && { allow_missing: [...allowed] }) };
}

/** Makes the job, which is then analysed, measured and quoted; it costs nothing until it is started. */
export async function askForQuote(): Promise<void> {
  const job = wantedJob();
  if (!job || draft.get().busy) return;
  patch({ busy: true, failure: null });
  try {
    const made = await api.createJob(job, keyFor(job));
    patch({ busy: false, phase: 'quote', job: made.id });
  } catch (error) {
    patch({ busy: false, failure: toFailure(error) });
  }
}

/** Makes the job of commands, which begins at once; the draft is then done with. */
export async function runCommands(): Promise<string | null> {
  const { upload, template, values, busy } = draft.get();
  if (!upload || !template || busy) return null;
  const { parameters, faults } = readValues(template, values);
  if (Object.keys(faults).length > 0) return null;
  const job: NewJob = { scene: { upload: upload.id }, parameters };
  patch({ busy: true, failure: null });
  try {
    const made = await api.createJob(job, keyFor(job));
    startOver();
    return made.id;
  } catch (error) {
    patch({ busy: false, failure: toFailure(error) });
    return null;
  }
}

/** Starts what was quoted, with the quote's own budget or another one of its curve. The draft is then done with. */
export async function start(budget?: string): Promise<string> {
  const id = draft.get().job!;
  await api.startJob(id, budget);
  startOver();
  return id;
}

/** Back to the settings. A job that has not ended by itself is cancelled; nothing was paid for it. */
export async function changeSomething(ended: boolean): Promise<void> {
  const { job } = draft.get();
  if (job && !ended) await api.cancelJob(job);
  intention = null;
  patch({ phase: 'settings', job: null, failure: null });
}
