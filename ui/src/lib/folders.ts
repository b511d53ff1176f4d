// Processes as a tree: folders are the parts of their path.
import type { Schemas } from '../api/client';

type Process = Schemas['ProcessOut'];

export interface Folder {
  name: string;
  path: string;
  folders: Folder[];
  processes: Process[];
  /** The processes in it and in the folders below. */
  count: number;
}

/** The processes below their folders, everything by name; `extra` are folders that may hold nothing yet. */
export function treeOf(processes: Process[], extra: string[] = []): Folder {
  const root: Folder = { name: '', path: '', folders: [], processes: [], count: 0 };
  const way = (path: string): Folder[] => {
    const found = [root];
    for (const part of path.split('/').filter((each) => each !== '')) {
      const at = found.at(-1)!;
      let next = at.folders.find((folder) => folder.name === part);
      if (next === undefined) {
        next = { name: part, path: at.path === '' ? part : `${at.path}/${part}`, folders: [], processes: [], count: 0 };
        at.folders.push(next);
      }
      found.push(next);
    }
    return found;
  };
  for (const path of extra) way(path);
  for (const process of processes) {
    const folders = way(process.folder);
    folders.at(-1)!.processes.push(process);
    for (const folder of folders) folder.count += 1;
  }
  sort(root);
  return root;
}

/** Every folder there is, by path. */
export function foldersOf(processes: Process[], extra: string[] = []): string[] {
  const found = new Set<string>();
  const walk = (folder: Folder) => {
    if (folder.path !== '') found.add(folder.path);
    folder.folders.forEach(walk);
  };
  walk(treeOf(processes, extra));
  return [...found];
}

/** How a process is, by the best of its versions. */
export function stateOf(process: Process): 'enabled' | 'disabled' | 'draft' | 'retired' | 'none' {
  const states = new Set(process.versions.map((version) => version.state));
  for (const state of ['enabled', 'disabled', 'draft', 'retired'] as const) if (states.has(state)) return state;
  return 'none';
}

function sort(folder: Folder): void {
  folder.folders.sort((a, b) => a.name.localeCompare(b.name));
  folder.processes.sort((a, b) => a.name.localeCompare(b.name));
  folder.folders.forEach(sort);
}

/** Whether the words of the search are all in the name or the folder. */
export function matches(process: Process, search: string): boolean {
  const text = `${process.folder}/${process.name}`.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The highest enabled version, which takes what starts by name. */
export function enabledOf(process: Process): Schemas['VersionOut'] | undefined {
  return process.versions.filter((version) => version.state === 'enabled').at(-1);
}

/** A name for a process from the name of a file. */
export function nameOfFile(file: string): string {
  const name = file.replace(/\.(bpmn|bpmn20\.xml|xml|tplg\.json|tplg|json)$/i, '').replace(/[^\p{L}\p{N}_.-]+/gu, '-');
  return name.replace(/^[-.]+|[-.]+$/g, '').slice(0, 100);
}
