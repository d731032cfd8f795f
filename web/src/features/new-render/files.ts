// What was dropped or chosen: which of it is worth sending, which is the scene, where an added file belongs. Pure.

export interface Picked {
  /** Relative, '/' separated. */
  path: string;
  file: File;
}

/** Left behind by systems and by Blender itself; a scene never needs them. */
const RUBBISH = /(^|\/)(\.[^/]+|__MACOSX|Thumbs\.db|desktop\.ini)(\/|$)|\.blend\d+$/i;

/** The path as the node takes it; null for what must not or need not travel. */
export function cleanPath(path: string): string | null {
  const parts = path
    .replaceAll('\\', '/')
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  const clean = parts.join('/');
  return clean === '' || parts.includes('..') || RUBBISH.test(clean) ? null : clean;
}

export type SceneChoice =
  | { kind: 'scene'; scene: string }
  | { kind: 'archive'; archive: string }
  | { kind: 'several'; scenes: string[] }
  | { kind: 'none' };

const depth = (path: string) => path.split('/').length;
const nameOf = (path: string) => path.split(/[/\\]/).at(-1) ?? path;
/** With its '/' at the end; empty at the top. */
export const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1);

/** The names a template may have in a bundle, the first that is there. */
const TEMPLATE_NAMES = ['template.yaml', 'template.yml', 'template.json'];

/** An Open Job Description template by its name. Recipes of image models are JSON too. */
export const isTemplate = (path: string) => /\.(ya?ml|json)$/i.test(path) && !/\.recipe\.json$/i.test(path);

function templatesOfBundles(paths: readonly string[]): string[] {
  const byFolder = new Map<string, string>();
  for (const name of TEMPLATE_NAMES) {
    for (const path of paths) {
      const folder = folderOf(path);
      if (nameOf(path) === name && !byFolder.has(folder)) byFolder.set(folder, path);
    }
  }
  return [...byFolder.values()];
}

/**
 * The scene among the paths: the .blend or the bundle's template that lies highest, or a template that comes alone. Of
 * several a person has to say.
 */
export function sceneAmong(paths: readonly string[]): SceneChoice {
  const [only] = paths;
  if (only !== undefined && paths.length === 1 && isTemplate(only)) return { kind: 'scene', scene: only };
  const scenes = [...paths.filter((path) => /\.blend$/i.test(path)), ...templatesOfBundles(paths)].sort(
    (a, b) => depth(a) - depth(b) || a.localeCompare(b),
  );
  const [first, second] = scenes;
  if (first !== undefined) {
    const alone = second === undefined || depth(second) > depth(first);
    return alone ? { kind: 'scene', scene: first } : { kind: 'several', scenes };
  }
  const archives = paths.filter((path) => /\.zip$/i.test(path));
  return archives.length === 1 && paths.length === 1 ? { kind: 'archive', archive: archives[0]! } : { kind: 'none' };
}

/** Both lists; of two files with one path the newer stays. */
export function joined(old: readonly Picked[], added: readonly Picked[]): Picked[] {
  const byPath = new Map(old.map((picked) => [picked.path, picked]));
  for (const picked of added) byPath.set(picked.path, picked);
  return [...byPath.values()];
}

/**
 * Where an added file belongs: a single `rug.png` goes to where the scene looks for the `//textures/rug.png` it misses.
 * What fits no missing reference keeps its path.
 */
export function placeOf(path: string, scene: string, missing: readonly string[]): string {
  const reference = missing.find((each) => each.startsWith('//') && nameOf(each) === nameOf(path));
  if (reference === undefined) return path;
  const place = scene.split('/').slice(0, -1);
  for (const part of reference.slice(2).split(/[/\\]/)) {
    if (part !== '..') {
      if (part !== '' && part !== '.') place.push(part);
    } else if (place.pop() === undefined) return path;
  }
  return place.join('/');
}

/** The names of scenes that a refusal lists, so that they can be chosen instead of typed. */
export function scenesNamedIn(text: string): string[] {
  const names = text.match(/[^\s,;:'"`]+\.blend\b|[^\s,;:'"`]*\btemplate\.(?:ya?ml|json)\b/gi) ?? [];
  return [...new Set(names)];
}
