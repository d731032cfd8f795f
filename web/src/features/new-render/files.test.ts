// What people drop is understood, and what is added lands where the scene looks for it.
import { describe, expect, it } from 'vitest';
import { cleanPath, isTemplate, joined, placeOf, sceneAmong, scenesNamedIn } from './files';

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
    expect(scenesNamedIn('the archive holds a/template.yaml, template.json')).toEqual([
      'a/template.yaml',
      'template.json',
    ]);
  });
});

describe('the template of a bundle', () => {
  it('is the scene where it lies highest', () => {
    const bundle = ['job/parameter_values.yaml', 'job/template.yaml', 'job/scenes/a.blend'];
    expect(sceneAmong(bundle)).toEqual({ kind: 'scene', scene: 'job/template.yaml' });
    expect(sceneAmong(['template.json', 'texts/one.txt'])).toEqual({ kind: 'scene', scene: 'template.json' });
    expect(sceneAmong(['shot/a.blend', 'shot/lib/template.json'])).toEqual({ kind: 'scene', scene: 'shot/a.blend' });
  });
  it('is the first name of those the node knows', () => {
    const both = ['job/template.json', 'job/template.yml', 'job/template.yaml'];
    expect(sceneAmong(both)).toEqual({ kind: 'scene', scene: 'job/template.yaml' });
  });
  it('is chosen by a person beside a scene, and of several bundles', () => {
    expect(sceneAmong(['job/template.yaml', 'job/a.blend'])).toEqual({
      kind: 'several',
      scenes: ['job/a.blend', 'job/template.yaml'],
    });
    expect(sceneAmong(['all/b/template.yaml', 'all/a/template.yaml'])).toEqual({
      kind: 'several',
      scenes: ['all/a/template.yaml', 'all/b/template.yaml'],
    });
  });
  it('has any name when it comes alone', () => {
    expect(sceneAmong(['frames.yml'])).toEqual({ kind: 'scene', scene: 'frames.yml' });
    expect(sceneAmong(['frames.JSON'])).toEqual({ kind: 'scene', scene: 'frames.JSON' });
    expect(sceneAmong(['frames.yml', 'one.txt'])).toEqual({ kind: 'none' });
    expect(sceneAmong(['style.recipe.json'])).toEqual({ kind: 'none' });
  });
  it.each([
    ['job/template.yaml', true],
    ['a.YML', true],
    ['a.json', true],
    ['style.recipe.json', false],
    ['a.blend', false],
    ['shot.zip', false],
    ['', false],
  ])('is told by its name: %s', (path, expected) => {
    expect(isTemplate(path)).toBe(expected);
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
