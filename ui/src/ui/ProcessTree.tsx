// Folders and processes as a tree: open and close, drag a process to a folder, or move it by its menu.
import { ActionIcon, Anchor, Autocomplete, Button, Group, Menu, Modal, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconDots, IconFolder, IconFolderOpen } from '@tabler/icons-react';
import { useState, type DragEvent, type ReactNode } from 'react';
import { Link } from 'wouter';

import { api, ask, type Schemas } from '../api/client';
import { useNodeCounts } from '../api/outside';
import { useChange } from '../api/queries';
import { foldersOf, stateOf, treeOf, type Folder } from '../lib/folders';
import { href, processHref, useParameter } from '../lib/url';
import { t } from '../texts';
import { useMay } from '../who';
import { Failure, State } from './parts';

type Process = Schemas['ProcessOut'];
const MANY = 150;
const KIND = 'application/x-segue-process';

/** Whether what is dragged is a process of the tree, and not a file from outside. */
export const isProcess = (event: DragEvent) => event.dataTransfer.types.includes(KIND);

export function ProcessTree({ processes, extra, all }: { processes: Process[]; extra: string[]; all: boolean }) {
  // Many folders begin closed, and the address names those that are open; few the other way round.
  const many = processes.length > MANY;
  const [named, setNamed] = useParameter(many ? 'open' : 'closed');
  const [moving, setMoving] = useState<Process | null>(null);
  const listed = new Set(named.split('|').filter(Boolean));
  const shut = new Set(all ? [] : many ? foldersOf(processes, extra).filter((each) => !listed.has(each)) : listed);
  const toggle = (path: string) => {
    const next = listed.has(path) ? [...listed].filter((each) => each !== path) : [...listed, path];
    setNamed(next.join('|'), true);
  };
  const move = useMove();
  const drop = (name: string, folder: string) => {
    const dropped = processes.find((each) => each.name === name);
    if (dropped && dropped.folder !== folder) move.mutate({ name, folder });
  };
  const root = treeOf(processes, extra);
  const trash = new Map<string, number>();
  for (const each of useNodeCounts('trash', {}, 2000).data ?? []) trash.set(each.process, (trash.get(each.process) ?? 0) + each.count);
  return (
    <nav aria-label={t.tree.tree} className="tree">
      <Drop folder="" drop={drop}>
        <Level folder={root} shut={shut} toggle={toggle} drop={drop} moving={setMoving} trash={trash} />
      </Drop>
      <Modal opened={moving !== null} onClose={() => setMoving(null)} title={t.tree.moveTo} closeButtonProps={{ 'aria-label': t.close }}>
        {moving && <MoveForm process={moving} folders={foldersOf(processes, extra)} close={() => setMoving(null)} />}
      </Modal>
    </nav>
  );
}

function useMove(done?: () => void) {
  return useChange(
    ({ name, folder }: { name: string; folder: string }) =>
      ask(api.PUT('/api/v1/processes/{process}', { params: { path: { process: name } }, body: { folder } })),
    { fresh: ['processes'], said: (_, { name, folder }) => t.tree.moved(name, folder), ...(done ? { done } : {}) },
  );
}

interface Handlers {
  shut: ReadonlySet<string>;
  toggle: (path: string) => void;
  drop: (name: string, folder: string) => void;
  moving: (process: Process) => void;
  /** How many messages of a process failed. */
  trash: ReadonlyMap<string, number>;
}

function Level({ folder, ...handlers }: { folder: Folder } & Handlers) {
  return (
    <ul>
      {folder.folders.map((inner) => (
        <li key={inner.path}>
          <Drop folder={inner.path} drop={handlers.drop}>
            <FolderRow folder={inner} {...handlers} />
            {!handlers.shut.has(inner.path) && <Level folder={inner} {...handlers} />}
          </Drop>
        </li>
      ))}
      {folder.processes.map((process) => (
        <ProcessRow key={process.name} process={process} moving={handlers.moving} trash={handlers.trash.get(process.name) ?? 0} />
      ))}
      {folder.path !== '' && folder.processes.length === 0 && folder.folders.length === 0 && (
        <li>
          <Text size="sm" c="dimmed" pl={28}>
            {t.tree.empty}
          </Text>
        </li>
      )}
    </ul>
  );
}

function Drop({ folder, drop, children }: { folder: string; drop: (name: string, folder: string) => void; children: ReactNode }) {
  const [over, setOver] = useState(false);
  return (
    <div
      className={over ? 'over' : undefined}
      onDragOver={(event) => {
        if (!isProcess(event)) return;
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        if (!isProcess(event)) return;
        event.preventDefault();
        event.stopPropagation();
        drop(event.dataTransfer.getData(KIND), folder);
      }}
    >
      {children}
    </div>
  );
}

function FolderRow({ folder, shut, toggle }: { folder: Folder } & Handlers) {
  const open = !shut.has(folder.path);
  const Icon = open ? IconFolderOpen : IconFolder;
  return (
    <UnstyledButton className="line" aria-expanded={open} aria-label={open ? t.tree.collapse(folder.path) : t.tree.expand(folder.path)} onClick={() => toggle(folder.path)}>
      {open ? <IconChevronDown size={16} aria-hidden /> : <IconChevronRight size={16} aria-hidden />}
      <Icon size={18} aria-hidden />
      <Text size="sm" fw={600}>
        {folder.name}
      </Text>
      <Text size="xs" c="dimmed">
        {folder.count}
      </Text>
    </UnstyledButton>
  );
}

function ProcessRow({ process, moving, trash }: { process: Process; moving: (process: Process) => void; trash: number }) {
  const may = useMay('edit');
  const live = process.versions.reduce((sum, version) => sum + version.live, 0);
  const state = trash > 0 ? 'failing' : stateOf(process);
  return (
    <li
      className="line process"
      draggable={may}
      onDragStart={(event) => {
        event.dataTransfer.setData(KIND, process.name);
        event.dataTransfer.effectAllowed = 'move';
      }}
    >
      <span className={`dot ${state}`} role="img" aria-label={t.tree.state[state]} title={t.tree.state[state]} />
      <Anchor component={Link} href={processHref(process.name)} draggable={false} size="sm" fw={500} className="name">
        {process.name}
      </Anchor>
      <Group gap={6} wrap="nowrap" className="side">
        {trash > 0 && (
          <Anchor component={Link} href={href('/trash', { process: process.name })} draggable={false} size="xs" underline="always" className="failures">
            {t.tree.failed(trash)}
          </Anchor>
        )}
        {live > trash && (
          <Text size="xs" visibleFrom="sm">
            {t.tree.underWay(live - trash)}
          </Text>
        )}
        {process.versions
          .filter((version) => version.state !== 'retired')
          .slice(-3)
          .map((version) => (
            <State key={version.version} of={version.state} text={`v${version.version}`} />
          ))}
        {process.versions.length === 0 && (
          <Text size="xs" c="dimmed">
            {t.processes.noVersion}
          </Text>
        )}
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={t.tree.menu(process.name)}>
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component={Link} href={processHref(process.name)}>
              {t.processes.open}
            </Menu.Item>
            <Menu.Item component={Link} href={processHref(process.name, { tab: 'instances' })}>
              {t.process.tabs.instances}
            </Menu.Item>
            <Menu.Item disabled={!may} onClick={() => moving(process)}>
              {t.tree.moveTo}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </Group>
    </li>
  );
}

function MoveForm({ process, folders, close }: { process: Process; folders: string[]; close: () => void }) {
  const [folder, setFolder] = useState(process.folder);
  const move = useMove(close);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        move.mutate({ name: process.name, folder: folder.trim() });
      }}
    >
      <Stack>
        {move.error && <Failure error={move.error} />}
        <Autocomplete label={t.processes.folder} description={t.processes.folderAbout} placeholder={t.tree.top} data={folders} value={folder} onChange={setFolder} data-autofocus />
        <Group justify="flex-end">
          <Button type="submit" loading={move.isPending}>
            {t.tree.move}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function FolderDialog({ opened, close, make }: { opened: boolean; close: () => void; make: (folder: string) => void }) {
  const [name, setName] = useState('');
  return (
    <Modal opened={opened} onClose={close} title={t.tree.newFolder} closeButtonProps={{ 'aria-label': t.close }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          make(name.trim());
          setName('');
          close();
        }}
      >
        <Stack>
          <TextInput label={t.tree.folderName} description={t.processes.folderAbout} required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          <Group justify="flex-end">
            <Button type="submit" disabled={name.trim() === ''}>
              {t.tree.newFolder}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
