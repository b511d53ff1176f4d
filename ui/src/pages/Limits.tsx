import { Button, Group, Modal, NumberInput, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';

import { api, ask, type Schemas } from '../api/client';
import { useLimits } from '../api/outside';
import { useChange } from '../api/queries';
import { duration } from '../lib/time';
import { t } from '../texts';
import { Act, Confirm, Empty, Failure, Page, Rows, Shown, When, type Question } from '../ui/parts';

type Limit = Schemas['LimitOut'];

export default function Limits() {
  const limits = useLimits();
  const [editing, setEditing] = useState<Limit | 'new' | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);
  const remove = useChange((key: string) => ask(api.DELETE('/api/v1/limits/{key}', { params: { path: { key } } })), {
    fresh: ['limits'],
    said: () => t.limits.removed,
  });
  return (
    <Page
      title={t.limits.title}
      side={
        <Act needs="operate" leftSection={<IconPlus size={16} />} onClick={() => setEditing('new')}>
          {t.limits.create}
        </Act>
      }
    >
      <Text size="sm">{t.limits.about}</Text>
      <Shown of={limits}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.limits.empty} about={t.limits.emptyAbout} />
          ) : (
            <Rows label={t.limits.title} head={[t.limits.key, t.limits.rules, t.limits.running, t.limits.waiting, t.limits.end, '']}>
              {data.map((limit) => (
                <Table.Tr key={limit.key}>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>
                    {limit.key}
                    {limit.note && (
                      <Text size="xs" c="dimmed">
                        {limit.note}
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>
                    {limit.rules.map((rule, index) => (
                      <Text key={index} size="sm">
                        {t.limits.rule(rule.used, rule.calls, duration(rule.per_ms))}{' '}
                        <Text size="xs" c="dimmed" component="span">
                          {t.limits.origins[rule.origin]} {[rule.process, rule.node, rule.by].filter(Boolean).join(' · ')}
                        </Text>
                      </Text>
                    ))}
                  </Table.Td>
                  <Table.Td>{limit.running}</Table.Td>
                  <Table.Td>{limit.waiting}</Table.Td>
                  <Table.Td>
                    <When at={limit.expected_end} />
                  </Table.Td>
                  <Table.Td>
                    <Group gap="xs" wrap="nowrap">
                      <Act needs="operate" size="compact-sm" variant="default" onClick={() => setEditing(limit)}>
                        {t.workers.edit}
                      </Act>
                      {limit.rules.some((rule) => rule.origin === 'person') && (
                        <Act
                          needs="operate"
                          size="compact-sm"
                          variant="default"
                          onClick={() =>
                            setQuestion({ title: t.remove, text: t.limits.removeAsk(limit.key), yes: t.remove, danger: true, act: () => remove.mutate(limit.key) })
                          }
                        >
                          {t.remove}
                        </Act>
                      )}
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Rows>
          )
        }
      </Shown>
      <Modal opened={editing !== null} onClose={() => setEditing(null)} title={t.limits.create} closeButtonProps={{ 'aria-label': t.close }}>
        {editing !== null && <LimitForm limit={editing === 'new' ? null : editing} close={() => setEditing(null)} />}
      </Modal>
      <Confirm question={question} close={() => setQuestion(null)} />
    </Page>
  );
}

function LimitForm({ limit, close }: { limit: Limit | null; close: () => void }) {
  const own = limit?.rules.find((rule) => rule.origin === 'person') ?? limit?.rules[0];
  const [key, setKey] = useState(limit?.key ?? '');
  const [calls, setCalls] = useState<number | string>(own?.calls ?? 10);
  const [seconds, setSeconds] = useState<number | string>(own ? own.per_ms / 1000 : 60);
  const [note, setNote] = useState(limit?.note ?? '');
  const put = useChange(
    () =>
      ask(
        api.PUT('/api/v1/limits/{key}', {
          params: { path: { key: key.trim() } },
          body: { rules: [{ calls: Number(calls), per_ms: Math.round(Number(seconds) * 1000) }], note },
        }),
      ),
    { fresh: ['limits'], said: () => t.limits.saved, done: close },
  );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        put.mutate(undefined);
      }}
    >
      <Stack>
        {put.error && <Failure error={put.error} />}
        <TextInput label={t.limits.key} description={t.limits.keyAbout} required disabled={limit !== null} value={key} onChange={(event) => setKey(event.currentTarget.value)} />
        <Group grow>
          <NumberInput label={t.limits.calls} min={1} value={calls} onChange={setCalls} required />
          <NumberInput label={t.limits.seconds} min={0.001} decimalScale={3} value={seconds} onChange={setSeconds} required />
        </Group>
        <TextInput label={t.processes.note} value={note} onChange={(event) => setNote(event.currentTarget.value)} />
        <Group justify="flex-end">
          <Button type="submit" loading={put.isPending}>
            {t.save}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
