// The language of the studio. A catalogue is a plain object; messages with values are functions, so a missing key, a
// missing value or a wrong type is a compile error. `const m = useMessages()` in a view, then `m.jobs.title`.
import { createStore, remembered, useStore } from '@/app/store';
import { en } from './en';

export type Messages = typeof en;
export type Language = 'en' | 'zh';
export const LANGUAGES: Record<Language, string> = { en: 'English', zh: '中文' };

interface Loaded {
  language: Language;
  messages: Messages;
}
const loaded = createStore<Loaded>({ language: 'en', messages: en });

/** English comes with the program (it is also what the types are made from); others are fetched when chosen. */
async function load(language: Language): Promise<Messages> {
  return language === 'zh' ? (await import('./zh')).zh : en;
}

export async function chooseLanguage(language: Language): Promise<void> {
  remembered.write('language', language);
  await show(language);
}

async function show(language: Language): Promise<void> {
  const messages = await load(language);
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  loaded.set({ language, messages });
}

/** What was chosen before, or the first of the browser's languages that the studio speaks. */
export async function startLanguage(): Promise<void> {
  const chosen = remembered.read('language');
  const wanted = chosen ? [chosen] : navigator.languages;
  for (const tag of wanted) {
    const short = tag.slice(0, 2).toLowerCase();
    if (short === 'en' || short === 'zh') return show(short);
  }
}

export function useMessages(): Messages {
  return useStore(loaded).messages;
}
export function useLanguage(): Language {
  return useStore(loaded).language;
}
/** Outside of React. */
export const messages = (): Messages => loaded.get().messages;
export const language = (): Language => loaded.get().language;
