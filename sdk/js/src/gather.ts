// Uploads a scene of this machine together with the files beside it that it names. The node looks into the scene and
// says what is missing; what lies in the scene's folder is added, until nothing more is found.
import { baseName, entryAt, folderOf, joined } from './disk.js';
import type { LocalPath } from './sources.js';
import type { Transport } from './transport.js';
import type { Dependency, UploadView } from './types.js';
import { type UploadOptions, upload } from './upload.js';

/** Scenes may name libraries, which name pictures, and so on. */
const ROUNDS_MAX = 8;

/** Where a reference leads from the scene's folder; null when it leads out of it. */
export function placeOf(reference: string): string | null {
  const path = reference.replaceAll('\\', '/');
  const isAbsolute = (path.startsWith('/') && !path.startsWith('//')) || /^[a-z]:/i.test(path);
  if (isAbsolute) return null;
  const place: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && place.pop() === undefined) return null;
    if (part !== '..' && part !== '.' && part !== '') place.push(part);
  }
  return place.join('/') || null;
}

export async function uploadWithDependencies(
  transport: Transport,
  { path, with: beside = [] }: LocalPath,
  options: UploadOptions = {},
): Promise<UploadView> {
  const { signal } = options;
  const together = new Set(beside);
  for (let round = 1; ; round += 1) {
    const view = await upload(transport, { path, with: [...together] }, options);
    if (round === ROUNDS_MAX) return view;
    const body = { scene: { upload: view.id } };
    const { dependencies } = await transport.call('post', '/v1/inspect', { body, signal, repeatable: true });
    const found = await besideScene(path, dependencies);
    const added = found.filter((place) => !together.has(place));
    if (added.length === 0) return view;
    for (const place of added) together.add(place);
  }
}

async function besideScene(scene: string, dependencies: readonly Dependency[]): Promise<string[]> {
  const missing = dependencies.filter(({ state }) => state === 'missing');
  const places = missing.flatMap(({ reference }) => placeOf(reference) ?? []);
  const isThere = async (place: string) => (await entryAt(joined(folderOf(scene), place)))?.kind === 'file';
  const there = await Promise.all(places.map(isThere));
  return places.filter((place, index) => there[index] && place !== baseName(scene));
}
