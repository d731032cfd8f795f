// What the form of a new render holds, and the job settings it stands for. Only what differs from the scene is sent, so
// that the node keeps deciding the rest. Pure.
import type { JobSettings, OutputFormat, SceneFacts } from '@/api/types';
import { parseFrames } from '@/app/frameList';

export const FORMATS: OutputFormat[] = ['png', 'exr', 'exr-multilayer', 'jpeg', 'mp4', 'webm'];
const HOUR_S = 3600;
export const DEADLINES_S = [HOUR_S, 6 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S, 72 * HOUR_S, 168 * HOUR_S];
const DEADLINE_S = 24 * HOUR_S;
const MOST_PERCENT = 1000;
const MOST_PIXELS = 65_536;
const MOST_SAMPLES = 1_000_000;
const MOST_PARTS = 256;

/** Texts as typed; numbers are read by `readForm`. */
export interface Form {
  name: string;
  frames: string;
  by: 'percent' | 'size';
  percent: string;
  width: string;
  height: string;
  samples: string;
  /** Empty: as the scene says. */
  format: OutputFormat | '';
  deadlineS: number;
  grid: boolean;
  columns: string;
  rows: string;
  sliced: boolean;
  slices: string;
  keepRaw: boolean;
  cycles: boolean;
}

export function sceneFrames(facts: SceneFacts): string {
  const { frame_start: first, frame_end: last, frame_step: step } = facts;
  if (last <= first) return String(first);
  return `${first}-${last}${step > 1 ? `x${step}` : ''}`;
}

export function firstForm(facts: SceneFacts, scene: string): Form {
  const file = scene.split('/').at(-1) ?? scene;
  return {
    name: file.replace(/\.(blend|zip)$/i, ''),
    frames: sceneFrames(facts),
    by: 'percent',
    percent: '100',
    width: String(facts.resolution.width),
    height: String(facts.resolution.height),
    samples: String(facts.samples),
    format: '',
    deadlineS: DEADLINE_S,
    grid: false,
    columns: '4',
    rows: '4',
    sliced: false,
    slices: '4',
    keepRaw: false,
    cycles: false,
  };
}

export type Wrong = Partial<Record<keyof Form, true>>;

function whole(text: string, most: number): number | null {
  const value = Number(text);
  return /^\d+$/.test(text.trim()) && value >= 1 && value <= most ? value : null;
}

/** The settings, or which fields are wrong. */
export function readForm(form: Form, facts: SceneFacts): { settings: JobSettings; wrong: Wrong } {
  const wrong: Wrong = {};
  const number = (key: keyof Form, most: number): number => {
    const value = whole(String(form[key]), most);
    if (value === null) wrong[key] = true;
    return value ?? 0;
  };
  const settings: JobSettings = { deadline_s: form.deadlineS };
  if (form.name.trim()) settings.name = form.name.trim();
  const frames = parseFrames(form.frames);
  if (!frames) wrong.frames = true;
  else if (form.frames.trim() !== sceneFrames(facts)) settings.frames = frames;
  if (form.by === 'percent') {
    const percent = number('percent', MOST_PERCENT);
    if (percent !== 100) settings.resolution = { percent };
  } else {
    const exact = { width: number('width', MOST_PIXELS), height: number('height', MOST_PIXELS) };
    const { width, height } = facts.resolution;
    if (exact.width !== width || exact.height !== height) settings.resolution = { exact };
  }
  // An engine without samples says 0; leaving it so is right.
  if (form.samples.trim() !== String(facts.samples)) settings.samples = number('samples', MOST_SAMPLES);
  if (form.format) settings.format = form.format;
  if (form.grid) settings.tiles = { grid: [number('columns', MOST_PARTS), number('rows', MOST_PARTS)] };
  if (form.sliced && !facts.slices_refused) settings.slices = { count: number('slices', MOST_PARTS) };
  if (form.keepRaw) settings.keep_raw = true;
  if (form.cycles) settings.renderer_override = 'cycles';
  return { settings, wrong };
}

/** Size of the picture that the form asks for; null while it says nothing sensible. */
export function pictureSize(form: Form, facts: SceneFacts): { width: number; height: number } | null {
  if (form.by === 'size') {
    const width = whole(form.width, MOST_PIXELS);
    const height = whole(form.height, MOST_PIXELS);
    return width === null || height === null ? null : { width, height };
  }
  const percent = whole(form.percent, MOST_PERCENT);
  if (percent === null) return null;
  const scaled = (pixels: number) => Math.max(1, Math.floor((pixels * percent) / 100));
  return { width: scaled(facts.resolution.width), height: scaled(facts.resolution.height) };
}
