// The form of a template says what the person meant, and nothing that the bundle says already.
import { describe, expect, it } from 'vitest';
import type { ParameterView, TemplateView } from '@/api/types';
import {
  besideTemplate,
  choices,
  firstValues,
  groups,
  isNeeded,
  pathsToOffer,
  readValues,
  valuesAfter,
} from './parameters';

const parameter = (name: string, kind: ParameterView['kind'], more: Partial<ParameterView> = {}): ParameterView => ({
  name,
  kind,
  allowed: [],
  ...more,
});

const template: TemplateView = {
  name: 'Count the words of {{Param.Title}}',
  begins_paused: false,
  steps: [],
  values: { Title: 'two small texts' },
  parameters: [
    parameter('Title', 'string', { default: 'a text', length_min: 2, length_max: 20 }),
    parameter('Frames', 'int', { default: '3', least: '1', greatest: '9', group: 'Time' }),
    parameter('Share', 'float', { default: '0.50', allowed: ['0.25', '0.5'] }),
    parameter('Loud', 'bool', { default: 'False' }),
    parameter('Texts', 'path', { object: 'directory', flow: 'in', default: 'texts', group: 'Files' }),
    parameter('Scene', 'path', { object: 'file', flow: 'in' }),
    parameter('Secret', 'string', { default: 'x', control: 'HIDDEN' }),
    parameter('Step', 'int', { default: '1', group: 'Time' }),
  ],
};
const first = firstValues(template);
const named = (name: string) => template.parameters.find((each) => each.name === name)!;
const read = (change: Record<string, string>) => readValues(template, { ...first, Scene: 'a.blend', ...change });

describe('the form of a template', () => {
  it('begins with the bundle’s values, then the defaults', () => {
    expect(first).toEqual({
      Title: 'two small texts',
      Frames: '3',
      Share: '0.5',
      Loud: 'false',
      Texts: 'texts',
      Scene: '',
      Secret: 'x',
      Step: '1',
    });
  });

  it('is shown in groups, without what is hidden', () => {
    expect(groups(template).map(({ title, parameters }) => [title, parameters.map(({ name }) => name)])).toEqual([
      ['', ['Title', 'Share', 'Loud', 'Scene']],
      ['Time', ['Frames', 'Step']],
      ['Files', ['Texts']],
    ]);
    const hidden = { ...template, parameters: [parameter('Key', 'string', { control: 'HIDDEN' })] };
    expect(groups(hidden)).toHaveLength(1);
  });

  it('offers what may be chosen', () => {
    expect(choices(named('Share'))).toEqual(['0.25', '0.5']);
    expect(choices(named('Loud'))).toEqual(['true', 'false']);
    expect(choices(named('Title'))).toEqual([]);
  });

  it('sends what was changed and what is needed', () => {
    expect(read({})).toEqual({ parameters: { Scene: 'a.blend' }, faults: {} });
    expect(read({ Title: 'other words', Frames: ' 5 ', Loud: 'true', Texts: '' }).parameters).toEqual({
      Title: 'other words',
      Frames: '5',
      Loud: 'true',
      Texts: '',
      Scene: 'a.blend',
    });
  });

  it('keeps what was typed when the template is read again', () => {
    const edited = { ...template, values: { Title: 'edited' } };
    expect(valuesAfter(edited, null, {})).toEqual({ ...first, Title: 'edited' });
    expect(valuesAfter(edited, template, { ...first, Frames: '7' })).toEqual({
      ...first,
      Title: 'edited',
      Frames: '7',
    });
    expect(valuesAfter(edited, template, { ...first, Title: 'mine' })).toEqual({ ...first, Title: 'mine' });
  });

  it('asks for what has no value', () => {
    expect(isNeeded(template, named('Scene'))).toBe(true);
    expect(isNeeded(template, named('Title'))).toBe(false);
    expect(readValues(template, first).faults).toEqual({ Scene: { kind: 'missing' } });
  });

  it.each([
    ['Frames', '', { kind: 'whole' }],
    ['Frames', '1.5', { kind: 'whole' }],
    ['Frames', '0', { kind: 'least', bound: '1' }],
    ['Frames', '10', { kind: 'greatest', bound: '9' }],
    ['Share', 'half', { kind: 'number' }],
    ['Title', 'a', { kind: 'shortest', bound: '2' }],
    ['Title', 'a text that is far too long', { kind: 'longest', bound: '20' }],
  ])('tells what is wrong with %s %s', (name, value, fault) => {
    const { parameters, faults } = read({ [name]: value });
    expect(faults).toEqual({ [name]: fault });
    expect(parameters).toEqual({ Scene: 'a.blend' });
  });
});

describe('paths of a template', () => {
  const paths = ['job/template.yaml', 'job/texts/deep/one.txt', 'job/a.blend', 'other/b.blend'];
  it('are offered relative to it', () => {
    expect(pathsToOffer(named('Scene'), paths, 'job/template.yaml')).toEqual(['texts/deep/one.txt', 'a.blend']);
    expect(pathsToOffer(named('Texts'), paths, 'job/template.yaml')).toEqual(['texts', 'texts/deep']);
    expect(pathsToOffer(named('Scene'), ['t.yaml', 'a.png'], 't.yaml')).toEqual(['a.png']);
  });
  it('of added files are beside it', () => {
    expect(besideTemplate('a.blend', 'job/template.yaml')).toBe('job/a.blend');
    expect(besideTemplate('job/texts/two.txt', 'job/template.yaml')).toBe('job/texts/two.txt');
    expect(besideTemplate('a.blend', 't.yaml')).toBe('a.blend');
  });
});
