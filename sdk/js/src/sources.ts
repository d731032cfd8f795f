// What can be uploaded, as a list of named files: a Blob, a File, files with names, or a file or folder of this
// machine.
import { baseName, entryAt, folderOf, joined, namesIn, readSpan } from './disk.js';

/** A file or a folder of this machine, on Node.js. A folder is taken whole. */
export interface LocalPath {
  path: string;
  /** Files and folders beside the scene that travel along, relative to its folder. */
  with?: readonly string[] | undefined;
}

/** A file under a name: relative, separated by `/`. */
export interface NamedFile {
  name: string;
  data: Blob | { path: string };
}

/** `File`s keep the path they were chosen with (`webkitRelativePath`), else their name. */
export type Source = Blob | LocalPath | readonly (File | NamedFile)[];

/** A file whose bytes can be read in parts. */
export interface Readable {
  name: string;
  bytes: number;
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Left behind by systems and by Blender itself; a scene never needs them. */
const RUBBISH = /^(\..*|__MACOSX|Thumbs\.db|desktop\.ini|.*\.blend\d+)$/i;
const SCENE = /\.(blend|pov)$/i;
const UNNAMED = 'scene.blend';

export async function filesOf(source: Source): Promise<Readable[]> {
  if (source instanceof Blob) return [blob(placeOf(source), source)];
  if ('path' in source) return local(source);
  return Promise.all(source.map((file) => (file instanceof Blob ? blob(placeOf(file), file) : named(file))));
}

function placeOf(file: Blob): string {
  if (!(file instanceof File)) return UNNAMED;
  return file.webkitRelativePath || file.name || UNNAMED;
}

function blob(name: string, data: Blob): Readable {
  const read = async (start: number, end: number) => new Uint8Array(await data.slice(start, end).arrayBuffer());
  return { name, bytes: data.size, read };
}

function named({ name, data }: NamedFile): Promise<Readable> | Readable {
  return data instanceof Blob ? blob(name, data) : onDisk(name, data.path);
}

async function onDisk(name: string, path: string): Promise<Readable> {
  const entry = await entryAt(path);
  if (entry?.kind !== 'file') throw new Error(`${path} is ${entry ? 'a folder' : 'not there'}; name a file`);
  return { name, bytes: entry.bytes, read: (start, end) => readSpan(path, start, end) };
}

async function local({ path, with: beside = [] }: LocalPath): Promise<Readable[]> {
  const entry = await entryAt(path);
  if (entry === null) throw new Error(`there is no file ${path}`);
  if (entry.kind === 'folder') return within(path, '');
  const others = beside.map((name) => besideScene(folderOf(path), name));
  return (await Promise.all([onDisk(baseName(path), path), ...others])).flat();
}

async function besideScene(folder: string, name: string): Promise<Readable[]> {
  const place = name.replaceAll('\\', '/').replace(/\/+$/, '');
  const entry = await entryAt(joined(folder, place));
  if (entry === null) throw new Error(`there is no ${name} in ${folder}`);
  return entry.kind === 'folder' ? within(folder, place) : [await onDisk(place, joined(folder, place))];
}

/** All files below a place in a folder, named from the folder on. */
async function within(folder: string, place: string): Promise<Readable[]> {
  const names = (await namesIn(joined(folder, place))).filter((name) => !RUBBISH.test(name));
  const found = names.map(async (name) => {
    const inside = place ? `${place}/${name}` : name;
    const path = joined(folder, inside);
    return (await entryAt(path))?.kind === 'folder' ? within(folder, inside) : [await onDisk(inside, path)];
  });
  return (await Promise.all(found)).flat();
}

/**
 * The scene among the names: the only one, or the only one that lies highest. A lone archive is looked through by the
 * node.
 */
export function sceneAmong(names: readonly string[]): string {
  if (names.length === 1) return /\.zip$/i.test(names[0]!) ? '' : names[0]!;
  const depth = (name: string) => name.split('/').length;
  const scenes = names.filter((name) => SCENE.test(name)).sort((a, b) => depth(a) - depth(b));
  const [first, second] = scenes;
  if (first === undefined) throw new Error('none of the files is a .blend or a .pov; say which one is the `scene`');
  if (second !== undefined && depth(second) === depth(first)) {
    throw new Error(`there are several scenes: ${scenes.join(', ')}; say which one in \`scene\``);
  }
  return first;
}
