// Reads what was dropped or chosen, folders included, into a flat list of files with their paths.
import { cleanPath, type Picked } from './files';

function keep(list: Picked[], path: string, file: File): void {
  const clean = cleanPath(path);
  if (clean) list.push({ path: clean, file });
}

/** A folder hands out its entries a hundred at a time, until it gives none. */
async function entriesIn(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function walk(entry: FileSystemEntry, list: Picked[]): Promise<void> {
  // Hidden folders can be large and are not sent: do not even read them.
  if (!cleanPath(entry.fullPath)) return;
  if (entry.isDirectory) {
    for (const inner of await entriesIn(entry as FileSystemDirectoryEntry)) await walk(inner, list);
  } else {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    keep(list, entry.fullPath, file);
  }
}

/** The entries must be taken before anything is awaited: the browser forgets them when the event is over. */
export async function readDrop(data: DataTransfer): Promise<Picked[]> {
  const list: Picked[] = [];
  const entries: FileSystemEntry[] = [];
  for (const item of Array.from(data.items)) {
    if (item.kind !== 'file') continue;
    const entry = item.webkitGetAsEntry();
    const file = entry ? null : item.getAsFile();
    if (entry) entries.push(entry);
    else if (file) keep(list, file.name, file);
  }
  for (const entry of entries) await walk(entry, list);
  return list;
}

export function readChosen(files: FileList): Picked[] {
  const list: Picked[] = [];
  for (const file of Array.from(files)) keep(list, file.webkitRelativePath || file.name, file);
  return list;
}
