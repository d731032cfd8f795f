// What the form of a template's parameters holds, and the values it stands for. Only what differs from the bundle's own
// values and the template's defaults is sent, so that the node keeps deciding the rest. Pure.
import type { ParameterView, TemplateView } from '@/api/types';
import { folderOf } from './files';

/** Texts as typed, by parameter. */
export type Values = Readonly<Record<string, string>>;

/** Why a value cannot be sent, and the bound that it misses. */
export type Fault =
  | { kind: 'missing' | 'whole' | 'number' }
  | { kind: 'least' | 'greatest' | 'shortest' | 'longest'; bound: string };

export interface Group {
  /** Empty for parameters that stand for themselves. */
  title: string;
  parameters: ParameterView[];
}

const isNumber = ({ kind }: ParameterView) => kind === 'int' || kind === 'float';

/** The value a parameter has when nobody says another one; none when somebody has to. */
function ownValue(template: TemplateView, { name, default: usual }: ParameterView): string | undefined {
  return Object.hasOwn(template.values, name) ? template.values[name] : (usual ?? undefined);
}

export const isNeeded = (template: TemplateView, parameter: ParameterView) =>
  ownValue(template, parameter) === undefined;

/** What a parameter may be, if it is chosen and not typed. */
export function choices(parameter: ParameterView): string[] {
  return parameter.kind === 'bool' ? ['true', 'false'] : parameter.allowed;
}

/** A number may be written differently where it is the default and where it is allowed. */
function asChoice(parameter: ParameterView, value: string): string {
  const same = (choice: string) =>
    isNumber(parameter) ? Number(choice) === Number(value) : choice.toLowerCase() === value.toLowerCase();
  const list = choices(parameter);
  return list.includes(value) ? value : (list.find(same) ?? value);
}

export function firstValues(template: TemplateView): Values {
  const entry = (parameter: ParameterView) => [
    parameter.name,
    asChoice(parameter, ownValue(template, parameter) ?? ''),
  ];
  return Object.fromEntries(template.parameters.map(entry));
}

/** The values after the template was read again: what was typed stays. */
export function valuesAfter(template: TemplateView, before: TemplateView | null, values: Values): Values {
  const first = firstValues(template);
  if (!before) return first;
  const old = firstValues(before);
  const typed = Object.entries(values).filter(([name, value]) => value !== old[name]);
  return { ...first, ...Object.fromEntries(typed) };
}

/** Parameters by group in the template's order. What its author hides is left out unless somebody has to fill it in. */
export function groups(template: TemplateView): Group[] {
  const byTitle = new Map<string, ParameterView[]>();
  for (const parameter of template.parameters) {
    if (parameter.control === 'HIDDEN' && !isNeeded(template, parameter)) continue;
    const title = parameter.group ?? '';
    byTitle.set(title, [...(byTitle.get(title) ?? []), parameter]);
  }
  return [...byTitle].map(([title, parameters]) => ({ title, parameters }));
}

function faultOf(parameter: ParameterView, value: string): Fault | null {
  const { kind, least, greatest, length_min: shortest, length_max: longest } = parameter;
  if (isNumber(parameter)) {
    const number = Number(value);
    if (kind === 'int' && !/^[+-]?\d+$/.test(value)) return { kind: 'whole' };
    if (value === '' || !Number.isFinite(number)) return { kind: 'number' };
    if (least != null && number < Number(least)) return { kind: 'least', bound: least };
    if (greatest != null && number > Number(greatest)) return { kind: 'greatest', bound: greatest };
  }
  if (kind === 'string' || kind === 'path') {
    const { length } = [...value];
    if (shortest != null && length < shortest) return { kind: 'shortest', bound: String(shortest) };
    if (longest != null && length > longest) return { kind: 'longest', bound: String(longest) };
  }
  return null;
}

/** The values to send, or what is wrong with which of them. */
export function readValues(
  template: TemplateView,
  values: Values,
): { parameters: Record<string, string>; faults: Record<string, Fault> } {
  const parameters: Record<string, string> = {};
  const faults: Record<string, Fault> = {};
  const first = firstValues(template);
  for (const parameter of template.parameters) {
    const { name } = parameter;
    const typed = values[name] ?? '';
    const value = isNumber(parameter) ? typed.trim() : typed;
    const needed = isNeeded(template, parameter);
    if (!needed && value === first[name]) continue;
    const fault: Fault | null = needed && value === '' ? { kind: 'missing' } : faultOf(parameter, value);
    if (fault) faults[name] = fault;
    else parameters[name] = value;
  }
  return { parameters, faults };
}

/** Files or folders of the bundle that a path may name, relative to its template. */
export function pathsToOffer(parameter: ParameterView, paths: readonly string[], template: string): string[] {
  const bundle = folderOf(template);
  const inside = paths.filter((path) => path.startsWith(bundle) && path !== template);
  const files = inside.map((path) => path.slice(bundle.length));
  if (parameter.object === 'file') return files;
  const folders = new Set<string>();
  for (const file of files) {
    const parts = file.split('/').slice(0, -1);
    parts.forEach((_, i) => {
      folders.add(parts.slice(0, i + 1).join('/'));
    });
  }
  return [...folders];
}

/** Where an added file belongs: beside the template, as it lies to the other added ones. */
export function besideTemplate(path: string, template: string): string {
  const bundle = folderOf(template);
  return path.startsWith(bundle) ? path : bundle + path;
}
