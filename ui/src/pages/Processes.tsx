import { Anchor, Box, Card, FileButton, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { IconFolder, IconPlus, IconUpload } from '@tabler/icons-react';
import { useState, type DragEvent } from 'react';
import { Link, useLocation } from 'wouter';

import type { Schemas } from '../api/client';
import { useProcesses } from '../api/queries';
import { matches, treeOf, type Folder } from '../lib/folders';
import { processHref, useParameter } from '../lib/url';
import { t } from '../texts';
import { CreateProcess, UploadDraft } from '../ui/drafts';
import { Act, Empty, Page, Shown, State } from '../ui/parts';
import { useMay } from '../who';

export default function Processes() {
  const processes = useProcesses();
  const [search, setSearch] = useParameter('q');
  const [creating, setCreating] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const [, go] = useLocation();
  const may = useMay('edit');
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer.files[0];
    if (dropped && may) setFile(dropped);
  };

  return (
    <Box
      mih="80vh"
      onDragOver={(event) => {
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
            <Act needs="edit" leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
              {t.processes.create}
            </Act>
          </>
        }
      >
        <Text size="sm" c="dimmed" aria-live="polite">
          {over ? t.processes.dropping : t.processes.drop}
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
                <Tree processes={data.filter((process) => matches(process, search))} search={search} />
              </>
            )
          }
        </Shown>
        <CreateProcess opened={creating} close={() => setCreating(false)} done={(name) => go(processHref(name))} />
        <UploadDraft file={file} close={() => setFile(null)} />
      </Page>
    </Box>
  );
}

function Tree({ processes, search }: { processes: Schemas['ProcessOut'][]; search: string }) {
  if (processes.length === 0) return <Empty title={t.processes.nothing(search)} />;
  return <FolderList folder={treeOf(processes)} depth={0} />;
}

function FolderList({ folder, depth }: { folder: Folder; depth: number }) {
  return (
    <Stack gap="xs" pl={depth ? 'md' : 0}>
      {folder.processes.map((process) => (
        <ProcessLine key={process.name} process={process} />
      ))}
      {folder.folders.map((inner) => (
        <section key={inner.path} aria-label={inner.path}>
          <Group gap={6} my={4}>
            <IconFolder size={18} aria-hidden />
            <Title order={2} size="h6">
              {inner.name}
            </Title>
          </Group>
          <FolderList folder={inner} depth={depth + 1} />
        </section>
      ))}
    </Stack>
  );
}

function ProcessLine({ process }: { process: Schemas['ProcessOut'] }) {
  const live = process.versions.reduce((sum, version) => sum + version.live, 0);
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" gap="xs">
        <Anchor component={Link} href={processHref(process.name)} fw={600} style={{ overflowWrap: 'anywhere' }}>
          {process.name}
        </Anchor>
        <Group gap="xs">
          {live > 0 && <Text size="sm">{t.many(live, 'live message')}</Text>}
          {process.versions.length === 0 && (
            <Text size="sm" c="dimmed">
              {t.processes.noVersion}
            </Text>
          )}
          {process.versions
            .filter((version) => version.state !== 'retired')
            .slice(-4)
            .map((version) => (
              <State key={version.version} of={version.state} text={`v${version.version} ${t.state[version.state]}`} />
            ))}
        </Group>
      </Group>
    </Card>
  );
}

