// What people drop is understood, and what is added lands where the scene looks for it.
import { describe, expect, it } from 'vitest';
import { cleanPath, joined, placeOf, sceneAmong, scenesNamedIn } from './files';

describe('paths', () => {
  it.each([
    ['/shot/scene.blend', 'shot/scene.blend'],
    ['shot\\tex\\a.png', 'shot/tex/a.png'],
    ['./a.blend', 'a.blend'],
    ['../a.png', null],
    ['shot/scene.blend1', null],
    ['shot/.git/config', null],
    ['shot/.DS_Store', null],
    ['__MACOSX/a', null],
    ['', null],
  ])('%s', (path, clean) => {
    expect(cleanPath(path)).toBe(clean);
  });
});

describe('the scene', () => {
  it('is the only .blend, or the highest', () => {
    expect(sceneAmong(['a/tex.png', 'a/one.blend'])).toEqual({ kind: 'scene', scene: 'a/one.blend' });
    expect(sceneAmong(['a/lib/tree.blend', 'a/shot.blend'])).toEqual({ kind: 'scene', scene: 'a/shot.blend' });
  });
  it('is asked for when it is not plain', () => {
    expect(sceneAmong(['b.blend', 'a.blend', 'x/c.blend'])).toEqual({
      kind: 'several',
      scenes: ['a.blend', 'b.blend', 'x/c.blend'],
    });
  });
  it('may be in an archive, but in one that comes alone', () => {
    expect(sceneAmong(['shot.ZIP'])).toEqual({ kind: 'archive', archive: 'shot.ZIP' });
    expect(sceneAmong(['shot.zip', 'a.png'])).toEqual({ kind: 'none' });
    expect(sceneAmong(['a.png'])).toEqual({ kind: 'none' });
  });
  it('is read from a refusal that lists several', () => {
    expect(scenesNamedIn("the archive has several scenes: 'a.blend', x/b.blend; say which")).toEqual([
      'a.blend',
      'x/b.blend',
    ]);
  });
});

describe('added files', () => {
  it('go where the scene looks for them', () => {
    const missing = ['//textures/rug.png', '//../shared/sky.exr', '/abs/x.png'];
    expect(placeOf('rug.png', 'shot/scene.blend', missing)).toBe('shot/textures/rug.png');
    expect(placeOf('downloads/sky.exr', 'shot/scene.blend', missing)).toBe('shared/sky.exr');
    expect(placeOf('sky.exr', 'scene.blend', missing)).toBe('sky.exr');
    expect(placeOf('x.png', 'scene.blend', missing)).toBe('x.png');
    expect(placeOf('other.png', 'scene.blend', missing)).toBe('other.png');
  });
  it('replace what has the same path', () => {
    const file = (name: string) => new File([name], name);
    const old = [
      { path: 'a', file: file('1') },
      { path: 'b', file: file('2') },
    ];
    const both = joined(old, [{ path: 'a', file: file('3') }]);
    expect(both.map(({ path, file: { name } }) => `${path}${name}`)).toEqual(['a3', 'b2']);
  });
});
