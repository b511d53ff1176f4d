// How a node works: its queue, its repeats, its limits.
import { ActionIcon, Button, Card, Group, Stack, Switch, Text } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';

import { t } from '../texts';
import type { Factory, Modeling, Shape } from './bpmn';
import { DraftInput, DurationInput, NumberField } from './fields';
import { useSession } from './hooks';
import { allOwn, own, removeOwn, replaceOwn, setOwn, textOf } from './model';

export function QueueTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const action = own(element, 'segue:Action');
  if (!action) return <Text size="sm">{t.editor.action.first}</Text>;
  const off = !session.mayEdit;
  return (
    <Stack gap="sm">
      <NumberField
        label={t.editor.queue.prefetch}
        description={t.editor.queue.prefetchAbout}
        placeholder="10"
        min={1}
        max={1000}
        disabled={off}
        value={textOf(action, 'prefetch')}
        commit={(prefetch) => setOwn(session, element, 'segue:Action', { prefetch })}
      />
      <DurationInput
        label={t.editor.queue.timeout}
        description={t.editor.queue.timeoutAbout}
        placeholder="60"
        disabled={off}
        value={textOf(action, 'timeout')}
        commit={(timeout) => setOwn(session, element, 'segue:Action', { timeout })}
      />
      <NumberField
        label={t.editor.queue.priority}
        description={t.editor.queue.priorityAbout}
        placeholder="0"
        min={0}
        max={9}
        disabled={off}
        value={textOf(action, 'priority')}
        commit={(priority) => setOwn(session, element, 'segue:Action', { priority })}
      />
    </Stack>
  );
}

export function RepeatTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const repeat = own(element, 'segue:Repeat');
  const off = !session.mayEdit;
  return (
    <Stack gap="sm">
      <Switch
        label={t.editor.repeat.on}
        description={t.editor.repeat.about}
        disabled={off}
        checked={repeat !== undefined}
        onChange={(event) => {
          if (event.currentTarget.checked) setOwn(session, element, 'segue:Repeat', { interval: 'PT1M', 'at-most': '5' });
          else removeOwn(session, element, 'segue:Repeat');
        }}
      />
      {repeat && (
        <>
          <DurationInput
            label={t.editor.repeat.interval}
            disabled={off}
            value={textOf(repeat, 'interval')}
            commit={(interval) => setOwn(session, element, 'segue:Repeat', { interval })}
          />
          <NumberField
            label={t.editor.repeat.atMost}
            description={t.editor.repeat.atMostAbout}
            min={1}
            max={1_000_000}
            disabled={off}
            value={textOf(repeat, 'at-most')}
            commit={(number) => setOwn(session, element, 'segue:Repeat', { 'at-most': number })}
          />
          <NumberField
            label={t.editor.repeat.backoff}
            description={t.editor.repeat.backoffAbout}
            placeholder="1"
            min={1}
            max={100}
            disabled={off}
            value={textOf(repeat, 'backoff')}
            commit={(number) => setOwn(session, element, 'segue:Repeat', { backoff: number })}
          />
          <DurationInput
            label={t.editor.repeat.longest}
            description={t.editor.repeat.longestAbout}
            disabled={off}
            value={textOf(repeat, 'at-longest')}
            commit={(longest) => setOwn(session, element, 'segue:Repeat', { 'at-longest': longest })}
          />
          <NumberField
            label={t.editor.repeat.jitter}
            description={t.editor.repeat.jitterAbout}
            placeholder="0"
            min={0}
            max={100}
            disabled={off}
            value={textOf(repeat, 'jitter')}
            commit={(number) => setOwn(session, element, 'segue:Repeat', { jitter: number })}
          />
        </>
      )}
    </Stack>
  );
}

export function LimitTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const limits = allOwn(element, 'segue:Limit');
  const off = !session.mayEdit;
  const change = (index: number, fields: Record<string, string>) => {
    const given = Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, text === '' ? undefined : text]));
    session.get<Modeling>('modeling').updateModdleProperties(element, limits[index]!, given);
  };
  const add = () => {
    const action = own(element, 'segue:Action');
    const key = textOf(action, 'application') || textOf(action, 'worker') || 'default';
    const made = session.get<Factory>('bpmnFactory').create('segue:Limit', { key, calls: '60', per: 'PT1M' });
    replaceOwn(session, element, 'segue:Limit', [...limits, made]);
  };
  return (
    <Stack gap="sm">
      <Text size="sm">{t.editor.limit.about}</Text>
      {limits.length === 0 && <Text size="sm">{t.editor.limit.none}</Text>}
      {limits.map((limit, index) => (
        <Card key={index} withBorder padding="sm">
          <Stack gap="xs">
            <Group justify="space-between" wrap="nowrap" align="flex-end">
              <DraftInput
                flex={1}
                label={t.editor.limit.key}
                description={t.editor.limit.keyAbout}
                disabled={off}
                value={textOf(limit, 'key')}
                commit={(key) => change(index, { key: key.trim() })}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t.editor.limit.remove}
                disabled={off}
                onClick={() => replaceOwn(session, element, 'segue:Limit', limits.filter((each) => each !== limit))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Group>
            <NumberField
              label={t.editor.limit.calls}
              min={1}
              disabled={off}
              value={textOf(limit, 'calls')}
              commit={(calls) => change(index, { calls })}
            />
            <DurationInput label={t.editor.limit.per} disabled={off} value={textOf(limit, 'per')} commit={(per) => change(index, { per })} />
          </Stack>
        </Card>
      ))}
      <Group>
        <Button size="compact-sm" variant="default" leftSection={<IconPlus size={14} />} disabled={off} onClick={add}>
          {t.editor.limit.add}
        </Button>
      </Group>
    </Stack>
  );
}
