// Before a version is enabled, disabled, switched to or retired: what that will do to instances, schedules and webhooks.
import { Alert, Button, Checkbox, Group, List, Loader, Modal, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { api, ask, Problem, type Schemas } from '../api/client';
import { useChange } from '../api/queries';
import { t } from '../texts';
import { Failure, Findings, State } from '../ui/parts';
import type { StepName } from './steps';

export interface Wanted {
  version: Schemas['VersionOut'];
  step: StepName;
}

export function StepDialog({ process, wanted, close }: { process: string; wanted: Wanted | null; close: () => void }) {
  return (
    <Modal
      opened={wanted !== null}
      onClose={close}
      size="lg"
      title={wanted ? `${t.versions[wanted.step]} v${wanted.version.version}` : ''}
      closeButtonProps={{ 'aria-label': t.close }}
    >
      {wanted && <Asked key={`${wanted.step} ${wanted.version.version}`} process={process} wanted={wanted} close={close} />}
    </Modal>
  );
}

function Asked({ process, wanted: { version, step }, close }: { process: string; wanted: Wanted; close: () => void }) {
  const [discard, setDiscard] = useState(false);
  const params = { path: { process, number: version.version } };
  const ahead = useQuery({
    queryKey: ['versions', process, version.version, step],
    enabled: step !== 'publish',
    gcTime: 0,
    queryFn: () =>
      ask(api.GET('/api/v1/processes/{process}/versions/{number}/consequences', { params: { ...params, query: { step: step as 'enable' } } })),
  });
  const act = useChange(
    () => {
      const base = '/api/v1/processes/{process}/versions/{number}' as const;
      if (step === 'publish') return ask(api.POST(`${base}/publish`, { params }));
      if (step === 'enable') return ask(api.POST(`${base}/enable`, { params }));
      if (step === 'disable') return ask(api.POST(`${base}/disable`, { params }));
      if (step === 'switch') return ask(api.POST(`${base}/switch`, { params }));
      return ask(api.POST(`${base}/retire`, { params, body: { discard } }));
    },
    {
      fresh: ['processes', 'services', 'queues', 'trash', 'versions'],
      said: () => t.versions.done[step](version.version),
      done: close,
    },
  );
  const findings = act.error instanceof Problem && Array.isArray(act.error.extra.findings) ? act.error.extra.findings : null;
  const data = ahead.data;
  const blocked = step === 'retire' && (data?.live ?? version.live) > 0 && !discard;
  return (
    <Stack>
      {step === 'publish' && <Text size="sm">{t.versions.ask.publish(version.version)}</Text>}
      {ahead.error && <Failure error={ahead.error} retry={() => void ahead.refetch()} />}
      {step !== 'publish' && !ahead.error && (data ? <Told data={data} /> : <Loader size="sm" aria-label={t.loading} />)}
      {step === 'retire' && (data?.live ?? 0) > 0 && (
        <Checkbox label={t.versions.discard} checked={discard} onChange={(event) => setDiscard(event.currentTarget.checked)} />
      )}
      {act.error && <Failure error={act.error} />}
      {findings && <Findings found={findings as Schemas['FindingOut'][]} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>
          {t.cancel}
        </Button>
        <Button
          data-autofocus
          color={step === 'retire' ? 'red' : undefined}
          loading={act.isPending}
          disabled={blocked || data?.possible === false}
          onClick={() => act.mutate(undefined)}
        >
          {t.versions[step]}
        </Button>
      </Group>
    </Stack>
  );
}

function Told({ data }: { data: Schemas['ConsequencesOut'] }) {
  if (!data.possible) return <Alert color="red">{data.reason}</Alert>;
  const sentences = [
    t.versions.takes(data.takes_before, data.takes_after),
    ...(data.disabled.length > 0 ? [t.versions.disables(data.disabled)] : []),
    t.versions.runs(data.step, data.running, data.more, data.live, data.version),
  ];
  return (
    <Stack gap="xs">
      <List size="sm">
        {sentences.map((text) => (
          <List.Item key={text}>{text}</List.Item>
        ))}
      </List>
      {data.entries.length > 0 && (
        <Table aria-label={t.versions.entries}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t.versions.entry}</Table.Th>
              <Table.Th>{t.versions.entryKind}</Table.Th>
              <Table.Th>{t.versions.becomes}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data.entries.map((each) => (
              <Table.Tr key={each.node}>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{each.label}</Table.Td>
                <Table.Td>{t.versions.entryKinds[each.kind]}</Table.Td>
                <Table.Td>
                  <Group gap={6}>
                    <State of={each.change === 'ends' ? 'failed' : each.change === 'stays' ? 'draft' : 'finished'} text={t.versions.changes[each.change]} />
                    {each.change === 'changed' ? `${each.before ?? '–'} → ${each.after ?? '–'}` : (each.after ?? each.before ?? '')}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}
