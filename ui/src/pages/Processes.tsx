import { Box, FileButton, Text, TextInput } from '@mantine/core';
import { IconFolderPlus, IconPlus, IconUpload } from '@tabler/icons-react';
import { useState, type DragEvent } from 'react';
import { useLocation } from 'wouter';

import type { Schemas } from '../api/client';
import { useProcesses } from '../api/queries';
import { matches } from '../lib/folders';
import { processHref, useParameter } from '../lib/url';
import { t } from '../texts';
import { CreateProcess, UploadDraft } from '../ui/drafts';
import { Act, Empty, Page, Shown } from '../ui/parts';
import { FolderDialog, isProcess, ProcessTree } from '../ui/ProcessTree';
import { useMay } from '../who';

// A search shows so many at most; whoever looks for one of more types another letter.
const FOUND = 200;

export default function Processes() {
  const processes = useProcesses();
  const [search, setSearch] = useParameter('q');
  const [creating, setCreating] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const [naming, setNaming] = useState(false);
  // A folder lives by what is in it; one just named is kept here until something is.
  const [folders, setFolders] = useState<string[]>([]);
  const [, go] = useLocation();
  const may = useMay('edit');
  const onDrop = (event: DragEvent) => {
    if (isProcess(event)) return;
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer.files[0];
    if (dropped && may) setFile(dropped);
  };

  return (
    <Box
      mih="80vh"
      onDragOver={(event) => {
        if (isProcess(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
      style={over && may ? { outline: '3px dashed var(--mantine-primary-color-filled)', outlineOffset: 8 } : undefined}
    >
      <Page
        title={t.processes.title}
        side={
          <>
            <FileButton onChange={setFile} accept=".bpmn,.xml,.tplg,.json">
              {(props) => (
                <Act needs="edit" variant="default" leftSection={<IconUpload size={16} />} onClick={props.onClick}>
                  {t.processes.upload}
                </Act>
              )}
            </FileButton>
            <Act needs="edit" variant="default" leftSection={<IconFolderPlus size={16} />} onClick={() => setNaming(true)}>
              {t.tree.newFolder}
            </Act>
            <Act needs="edit" leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
              {t.processes.create}
            </Act>
          </>
        }
      >
        <Text size="sm" c="dimmed" aria-live="polite">
          {over ? t.processes.dropping : `${t.processes.drop} ${t.tree.hint}`}
        </Text>
        <Shown of={processes}>
          {(data) =>
            data.length === 0 ? (
              <Empty title={t.processes.empty} about={t.processes.emptyAbout} />
            ) : (
              <>
                <TextInput
                  aria-label={t.search}
                  placeholder={t.search}
                  maw={420}
                  value={search}
                  onChange={(event) => setSearch(event.currentTarget.value, true)}
                />
                <Tree processes={data.filter((process) => matches(process, search)).slice(0, search ? FOUND : undefined)} search={search} extra={folders} />
              </>
            )
          }
        </Shown>
        <FolderDialog opened={naming} close={() => setNaming(false)} make={(folder) => setFolders((old) => [...old, folder])} />
        <CreateProcess opened={creating} close={() => setCreating(false)} done={(name) => go(processHref(name))} />
        <UploadDraft file={file} close={() => setFile(null)} />
      </Page>
    </Box>
  );
}

function Tree({ processes, search, extra }: { processes: Schemas['ProcessOut'][]; search: string; extra: string[] }) {
  if (processes.length === 0 && extra.length === 0) return <Empty title={t.processes.nothing(search)} />;
  return <ProcessTree processes={processes} extra={search ? [] : extra} all={search !== ''} />;
}
