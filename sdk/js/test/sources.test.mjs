// What can be uploaded becomes a list of names and bytes, and one of them is the scene.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { placeOf } from '../dist/gather.js';
import { filesOf, sceneAmong } from '../dist/sources.js';

const folder = mkdtempSync(join(tmpdir(), 'rayswarm-sources-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'textures/wood'), { recursive: true });
for (const name of ['a.blend', 'a.blend1', '.hidden', 'textures/rug.png', 'textures/wood/oak.png', 'notes.txt']) {
  writeFileSync(join(folder, name), `bytes of ${name}`);
}

const names = async (source) => (await filesOf(source)).map(({ name }) => name);
const textOf = async ({ read, bytes }) => new TextDecoder().decode(await read(0, bytes));

describe('sources', () => {
  it('are a file of this machine, with what is named beside it', async () => {
    const path = join(folder, 'a.blend');
    assert.deepEqual(await names({ path }), ['a.blend']);
    const together = await filesOf({ path, with: ['textures', 'notes.txt'] });
    const found = ['a.blend', 'textures/rug.png', 'textures/wood/oak.png', 'notes.txt'];
    assert.deepEqual(
      together.map(({ name }) => name),
      found,
    );
    for (const file of together) assert.equal(await textOf(file), `bytes of ${file.name}`);
    await assert.rejects(filesOf({ path, with: ['gone.png'] }), /there is no gone\.png/);
    await assert.rejects(filesOf({ path: join(folder, 'b.blend') }), /there is no file/);
  });

  it('are a folder, without what systems leave behind', async () => {
    const found = ['a.blend', 'notes.txt', 'textures/rug.png', 'textures/wood/oak.png'];
    assert.deepEqual(await names({ path: folder }), found);
  });

  it('are blobs, files and lists of them', async () => {
    const blob = new Blob(['0123456789']);
    assert.deepEqual(await names(blob), ['scene.blend']);
    assert.deepEqual(await names(new File([blob], 'b.blend')), ['b.blend']);
    const list = await filesOf([
      new File([blob], 'b.blend'),
      { name: 'textures/x.png', data: blob },
      { name: 'textures/rug.png', data: { path: join(folder, 'textures/rug.png') } },
    ]);
    assert.deepEqual(
      list.map(({ name, bytes }) => [name, bytes]),
      [
        ['b.blend', 10],
        ['textures/x.png', 10],
        ['textures/rug.png', 25],
      ],
    );
    assert.deepEqual(await list[1]?.read(3, 5), new Uint8Array([51, 52]));
  });
});

describe('the scene', () => {
  for (const [given, scene] of /** @type {[string[], string][]} */ ([
    [['a.blend'], 'a.blend'],
    [['scene.dat'], 'scene.dat'],
    [['all.ZIP'], ''],
    [['x.png', 'a.blend'], 'a.blend'],
    [['lib/b.blend', 'a.pov', 'x.png'], 'a.pov'],
  ])) {
    it(`of ${given} is ${scene || 'looked for by the node'}`, () => assert.equal(sceneAmong(given), scene));
  }

  it('has to be named where it is not plain', () => {
    assert.throws(() => sceneAmong(['a.blend', 'b.blend']), /several scenes: a\.blend, b\.blend/);
    assert.throws(() => sceneAmong(['a.png', 'b.png']), /none of the files/);
  });
});

describe('references', () => {
  for (const [reference, place] of /** @type {[string, string | null][]} */ ([
    ['//textures/rug.png', 'textures/rug.png'],
    ['//textures\\rug.png', 'textures/rug.png'],
    ['rug.png', 'rug.png'],
    ['//a/../rug.png', 'rug.png'],
    ['//../rug.png', null],
    ['/etc/passwd', null],
    ['C:\\rug.png', null],
  ])) {
    it(`${reference} leads ${place === null ? 'nowhere' : `to ${place}`}`, () =>
      assert.equal(placeOf(reference), place));
  }
});
