import { Alert, Button, FileButton, Group, Select, Stack, Table, Tabs, Text } from '@mantine/core';
import { IconPencil, IconPlayerPlay, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'wouter';

import type { Schemas } from '../api/client';
import { useProcess, useQueues } from '../api/queries';
import { enabledOf } from '../lib/folders';
import { duration } from '../lib/time';
import { numberOf, useParameters } from '../lib/url';
import { InstanceList } from './Instances';
import { LogList } from '../logs/LogList';
import { SpanChoice, useSpan } from '../statistics/SpanChoice';
import { StatisticsView } from '../statistics/StatisticsView';
import { PlacedList } from '../ui/placed';
import { DiagramTab } from '../ui/DiagramTab';
import { ProcessSettings } from '../ui/ProcessSettings';
import { StartDialog } from '../ui/StartDialog';
import { UploadDraft } from '../ui/drafts';
import { VersionsTab } from '../versions/VersionsTab';
import { t } from '../texts';
import { Act, Empty, Page, Rows, Shown, TabLine } from '../ui/parts';

const TABS = ['diagram', 'instances', 'statistics', 'queues', 'tasks', 'trash', 'logs', 'versions', 'settings'] as const;

export default function ProcessPage({ name }: { name: string }) {
  const process = useProcess(name);
  const [starting, setStarting] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const enabled = process.data && enabledOf(process.data);
  return (
    <Page
      title={name}
      side={
        <>
          <FileButton onChange={setFile} accept=".bpmn,.xml,.tplg,.json">
            {(props) => (
              <Act needs="edit" variant="default" leftSection={<IconUpload size={16} />} onClick={props.onClick}>
                {t.processes.upload}
              </Act>
            )}
          </FileButton>
          <Button component={Link} href={`/process/${encodeURIComponent(name)}/edit`} variant="default" leftSection={<IconPencil size={16} />}>
            {t.editor.edit}
          </Button>
          <Act needs="start" leftSection={<IconPlayerPlay size={16} />} onClick={() => setStarting(true)} disabled={!enabled}>
            {t.process.start}
          </Act>
        </>
      }
    >
      <Shown of={process}>
        {(data) =>
          data.versions.length === 0 ? (
            <Empty title={t.process.noVersions} about={t.process.noVersionsAbout} />
          ) : (
            <>
              {!enabled && <Alert color="yellow">{t.process.notEnabled}</Alert>}
              <ProcessTabs process={data} />
              {enabled && <StartDialog process={name} version={enabled.version} opened={starting} close={() => setStarting(false)} />}
            </>
          )
        }
      </Shown>
      <UploadDraft file={file} process={name} close={() => setFile(null)} />
    </Page>
  );
}

function ProcessTabs({ process }: { process: Schemas['ProcessOut'] }) {
  const [parameters, change] = useParameters();
  const wanted = numberOf(parameters.get('version'));
  const version =
    process.versions.find((each) => each.version === wanted) ?? enabledOf(process) ?? process.versions.at(-1)!;
  const span = useSpan();
  const tab = TABS.find((each) => each === parameters.get('tab')) ?? 'diagram';
  return (
    <Tabs
      value={tab}
      onChange={(value) => change({ tab: value === 'diagram' ? null : value, node: null, id: null, line: null, follow: null })}
      keepMounted={false}
    >
      <TabLine chosen={tab}>
        {TABS.map((each) => (
          <Tabs.Tab key={each} value={each}>
            {t.process.tabs[each]}
          </Tabs.Tab>
        ))}
      </TabLine>
      <Tabs.Panel value="diagram" pt="md">
        <Stack>
          <VersionChoice process={process} version={version.version} />
          <DiagramTab process={process.name} version={version.version} />
        </Stack>
      </Tabs.Panel>
      <Tabs.Panel value="instances" pt="md">
        <InstanceList process={process.name} />
      </Tabs.Panel>
      <Tabs.Panel value="statistics" pt="md">
        <Stack>
          <Group align="end">
            <VersionChoice process={process} version={version.version} />
            <SpanChoice />
          </Group>
          <StatisticsView where={{ span, process: process.name, version: version.version }} />
        </Stack>
      </Tabs.Panel>
      <Tabs.Panel value="logs" pt="md">
        <LogList where={{ process: process.name }} />
      </Tabs.Panel>
      <Tabs.Panel value="settings" pt="md">
        <ProcessSettings process={process} />
      </Tabs.Panel>
      <Tabs.Panel value="queues" pt="md">
        <QueueList process={process.name} />
      </Tabs.Panel>
      <Tabs.Panel value="tasks" pt="md">
        <PlacedList place="tasks" process={process.name} />
      </Tabs.Panel>
      <Tabs.Panel value="trash" pt="md">
        <PlacedList place="trash" process={process.name} />
      </Tabs.Panel>
      <Tabs.Panel value="versions" pt="md">
        <VersionsTab process={process} />
      </Tabs.Panel>
    </Tabs>
  );
}

function VersionChoice({ process, version }: { process: Schemas['ProcessOut']; version: number }) {
  const [, change] = useParameters();
  return (
    <Group>
      <Select
        label={t.process.version}
        w={210}
        allowDeselect={false}
        value={String(version)}
        onChange={(value) => change({ version: value, node: null, test: null })}
        data={process.versions.map((each) => ({ value: String(each.version), label: `v${each.version} ${t.state[each.state]}` })).reverse()}
      />
    </Group>
  );
}

function QueueList({ process }: { process: string }) {
  const queues = useQueues(process);
  return (
    <Shown of={queues}>
      {(data) =>
        data.length === 0 ? (
          <Empty title={t.queues.empty} about={t.queues.emptyAbout} />
        ) : (
          <Rows
            label={t.process.tabs.queues}
            head={[t.queues.node, t.queues.version, t.queues.depth, t.queues.flight, t.queues.delayed, t.queues.oldest, t.queues.held]}
          >
            {data.map((queue) => (
              <Table.Tr key={`${queue.version} ${queue.node}`}>
                <Table.Td title={queue.node}>{queue.node_name}</Table.Td>
                <Table.Td>{queue.version}</Table.Td>
                <Table.Td>{queue.depth}</Table.Td>
                <Table.Td>{queue.in_flight}</Table.Td>
                <Table.Td>{queue.delayed}</Table.Td>
                <Table.Td style={{ whiteSpace: 'nowrap' }}>{queue.oldest_ms ? duration(queue.oldest_ms) : '–'}</Table.Td>
                <Table.Td>
                  <Text size="sm">{queue.held ?? '–'}</Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Rows>
        )
      }
    </Shown>
  );
}
