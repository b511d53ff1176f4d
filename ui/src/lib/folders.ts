// Processes as a tree: folders are the parts of their path.
import type { Schemas } from '../api/client';

type Process = Schemas['ProcessOut'];

export interface Folder {
  name: string;
  path: string;
  folders: Folder[];
  processes: Process[];
}

/** The processes below their folders, everything by name. */
export function treeOf(processes: Process[]): Folder {
  const root: Folder = { name: '', path: '', folders: [], processes: [] };
  for (const process of processes) {
    let at = root;
    for (const part of process.folder.split('/').filter((each) => each !== '')) {
      let next = at.folders.find((folder) => folder.name === part);
      if (next === undefined) {
        next = { name: part, path: at.path === '' ? part : `${at.path}/${part}`, folders: [], processes: [] };
        at.folders.push(next);
      }
      at = next;
    }
    at.processes.push(process);
  }
  sort(root);
  return root;
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
