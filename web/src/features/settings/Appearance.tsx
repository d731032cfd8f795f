// Language and theme, as settings and as the second question of the first run.
import { useStore } from '@/app/store';
import { chooseTheme, type ThemeChoice, theme } from '@/app/theme';
import { chooseLanguage, LANGUAGES, type Language, useLanguage, useMessages } from '@/i18n';
import { Segmented } from '@/ui/Tabs';
import styles from './Appearance.module.css';

const LANGUAGE_OPTIONS = (Object.keys(LANGUAGES) as Language[]).map((key) => ({ key, label: LANGUAGES[key] }));

export function Appearance() {
  const m = useMessages();
  const choice = useStore(theme);
  const language = useLanguage();
  const themes: { key: ThemeChoice; label: string }[] = [
    { key: 'system', label: m.shell.themeSystem },
    { key: 'light', label: m.shell.themeLight },
    { key: 'dark', label: m.shell.themeDark },
  ];
  return (
    <div className={styles.rows}>
      <div className={styles.row}>
        <span>{m.shell.language}</span>
        <Segmented
          label={m.shell.language}
          options={LANGUAGE_OPTIONS}
          value={language}
          onChange={(key) => void chooseLanguage(key)}
        />
      </div>
      <div className={styles.row}>
        <span>{m.shell.theme}</span>
        <Segmented label={m.shell.theme} options={themes} value={choice} onChange={chooseTheme} />
      </div>
    </div>
  );
}
