// Work that is not saved yet is kept in this browser, so that a crash, a lost connection or a closed tab loses nothing.

export interface Kept {
  xml: string;
  at: number;
  version: number | null;
}

const keyOf = (process: string) => `segue.edit.${process}`;

export function remember(process: string, kept: Kept, storage: Storage = localStorage): void {
  try {
    storage.setItem(keyOf(process), JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing is no reason not to draw.
  }
}

export function recall(process: string, storage: Storage = localStorage): Kept | null {
  try {
    const found = JSON.parse(storage.getItem(keyOf(process)) ?? 'null') as Partial<Kept> | null;
    if (typeof found?.xml !== 'string' || typeof found.at !== 'number') return null;
    return { xml: found.xml, at: found.at, version: found.version ?? null };
  } catch {
    return null;
  }
}

export function forget(process: string, storage: Storage = localStorage): void {
  try {
    storage.removeItem(keyOf(process));
  } catch {
    // Nothing was kept then.
  }
}
