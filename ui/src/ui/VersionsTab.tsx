import { Button, Checkbox, Code, Group, Menu, Modal, Select, Stack, Table, Text } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useState } from 'react';

import { api, ask, Problem, type Schemas } from '../api/client';
import { useChange, useDiff, useFindings } from '../api/queries';
import { useParameters, numberOf } from '../lib/url';
import { t } from '../texts';
import { useMay } from '../who';
import { Confirm, Failure, Findings, Rows, Shown, State, When, type Question } from './parts';

type Version = Schemas['VersionOut'];
type Step = 'publish' | 'enable' | 'disable' | 'retire';

const STEPS: Record<string, Step[]> = {
  draft: ['publish'],
  disabled: ['enable', 'retire'],
  enabled: ['disable', 'retire'],
  retired: [],
};

function useStep(process: string) {
  return useChange(
    ({ version, step, discard }: { version: number; step: Step; discard: boolean }) => {
      const params = { path: { process, number: version } };
      const base = '/api/v1/processes/{process}/versions/{number}' as const;
      if (step === 'publish') return ask(api.POST(`${base}/publish`, { params }));
      if (step === 'enable') return ask(api.POST(`${base}/enable`, { params }));
      if (step === 'disable') return ask(api.POST(`${base}/disable`, { params }));
      return ask(api.POST(`${base}/retire`, { params, body: { discard } }));
    },
    {
      fresh: ['processes', 'services', 'queues', 'trash'],
      said: (_, { version, step }) => t.versions.done[step](version),
    },
  );
}

export function VersionsTab({ process }: { process: Schemas['ProcessOut'] }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [looking, setLooking] = useState<number | null>(null);
  const step = useStep(process.name);
  const discard = useDiscard();
  const findings = step.error instanceof Problem && Array.isArray(step.error.extra.findings) ? step.error.extra.findings : null;

  const askFor = (version: Version, wanted: Step) => {
    discard.set(false);
    setQuestion({
      title: `${t.versions[wanted]} v${version.version}`,
      text: textOf(process, version, wanted),
      yes: t.versions[wanted],
      danger: wanted === 'retire',
      act: () => step.mutate({ version: version.version, step: wanted, discard: discard.get() }),
      more:
        wanted === 'retire' && version.live > 0 ? (
          <Checkbox label={t.versions.discard} onChange={(event) => discard.set(event.currentTarget.checked)} />
        ) : undefined,
    });
  };

  return (
    <Stack>
      {step.error && <Failure error={step.error} />}
      {findings && <Findings found={findings as Schemas['FindingOut'][]} />}
      <Rows
        label={t.process.tabs.versions}
        head={[t.process.version, t.versions.state, t.versions.live, t.versions.created, t.versions.author, t.versions.note, t.versions.actions]}
      >
        {[...process.versions].reverse().map((version) => (
          <Table.Tr key={version.version}>
            <Table.Td>v{version.version}</Table.Td>
            <Table.Td>
              <State of={version.state} />
            </Table.Td>
            <Table.Td>{version.live}</Table.Td>
            <Table.Td>
              <When at={version.created} />
            </Table.Td>
            <Table.Td>{version.author || '–'}</Table.Td>
            <Table.Td>{version.note || '–'}</Table.Td>
            <Table.Td>
              <Steps process={process.name} version={version} askFor={askFor} look={() => setLooking(version.version)} busy={step.isPending} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Rows>
      {process.versions.length > 1 && <Compare process={process} />}
      <Confirm question={question} close={() => setQuestion(null)} />
      <Modal opened={looking !== null} onClose={() => setLooking(null)} title={t.versions.findings} size="lg" closeButtonProps={{ 'aria-label': t.close }}>
        {looking !== null && <FindingsOf process={process.name} version={looking} />}
      </Modal>
    </Stack>
  );
}

/** A tick that a dialog sets and its button reads. */
function useDiscard() {
  const [holder] = useState(() => ({ value: false }));
  return {
    get: () => holder.value,
    set: (value: boolean) => {
      holder.value = value;
    },
  };
}

function textOf(process: Schemas['ProcessOut'], version: Version, step: Step): string {
  const others = process.versions.filter((each) => each.state === 'enabled' && each.version !== version.version);
  const next = others.at(-1)?.version ?? null;
  if (step === 'publish') return t.versions.ask.publish(version.version);
  if (step === 'enable') return t.versions.ask.enable(version.version, next);
  if (step === 'disable') return t.versions.ask.disable(version.version, version.live, next);
  return t.versions.ask.retire(version.version, version.live);
}

function Steps({
  process,
  version,
  askFor,
  look,
  busy,
}: {
  process: string;
  version: Version;
  askFor: (version: Version, step: Step) => void;
  look: () => void;
  busy: boolean;
}) {
  const may = useMay('edit');
  const [first, ...rest] = STEPS[version.state] ?? [];
  return (
    <Group gap={6} wrap="nowrap">
      {first && may && (
        <Button size="compact-sm" variant={first === 'disable' ? 'default' : 'filled'} loading={busy} onClick={() => askFor(version, first)}>
          {t.versions[first]}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button size="compact-sm" variant="default" aria-label={`${t.versions.actions} v${version.version}`}>
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {may &&
            rest.map((step) => (
              <Menu.Item key={step} color={step === 'retire' ? 'red' : undefined} onClick={() => askFor(version, step)}>
                {t.versions[step]}
              </Menu.Item>
            ))}
          <Menu.Item onClick={look}>{t.versions.findings}</Menu.Item>
          <Menu.Item component="a" href={`/api/v1/processes/${encodeURIComponent(process)}/versions/${version.version}/bpmn`} download={`${process}-v${version.version}.bpmn`}>
            {t.versions.download}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

function FindingsOf({ process, version }: { process: string; version: number }) {
  const findings = useFindings(process, version, true);
  return <Shown of={findings}>{(data) => <Findings found={data} />}</Shown>;
}

function Compare({ process }: { process: Schemas['ProcessOut'] }) {
  const [parameters, change] = useParameters();
  const numbers = process.versions.map((version) => version.version);
  const from = numberOf(parameters.get('from')) ?? numbers.at(-2)!;
  const to = numberOf(parameters.get('to')) ?? numbers.at(-1)!;
  const choices = numbers.map((number) => ({ value: String(number), label: `v${number}` }));
  return (
    <Stack gap="xs">
      <Text fw={600}>{t.versions.diff}</Text>
      <Group>
        <Select aria-label="From" w={110} allowDeselect={false} data={choices} value={String(from)} onChange={(value) => change({ from: value })} />
        <Text>→</Text>
        <Select aria-label="To" w={110} allowDeselect={false} data={choices} value={String(to)} onChange={(value) => change({ to: value })} />
      </Group>
      <Difference process={process.name} from={from} to={to} />
    </Stack>
  );
}

function Difference({ process, from, to }: { process: string; from: number; to: number }) {
  const diff = useDiff(process, from, to);
  return (
    <Shown of={diff} rows={2}>
      {(data) => {
        const parts = Object.entries(data as Record<string, unknown>).filter(([, value]) => Array.isArray(value) && value.length > 0);
        if (parts.length === 0) return <Text size="sm">{t.versions.same}</Text>;
        return (
          <Stack gap="xs">
            {parts.map(([name, value]) => (
              <div key={name}>
                <Text size="sm" fw={600}>
                  {name.replace(/_/g, ' ')}
                </Text>
                {(value as unknown[]).map((each, index) => (
                  <Code block key={index} mb={4}>
                    {typeof each === 'string' ? each : JSON.stringify(each, null, 1)}
                  </Code>
                ))}
              </div>
            ))}
          </Stack>
        );
      }}
    </Shown>
  );
}

