import { Group, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useState } from 'react';

import { useActivity } from '../api/queries';
import { instant } from '../lib/time';
import { useParameters } from '../lib/url';
import { t } from '../texts';
import { Empty, More, Page, Rows, Shown, When } from '../ui/parts';

const FILTERS = ['by', 'action', 'about'] as const;
const LABELS = { by: t.activity.byLabel, action: t.activity.actionLabel, about: t.activity.aboutLabel };

export default function Activity() {
  const [parameters] = useParameters();
  const where = Object.fromEntries(FILTERS.map((name) => [name, parameters.get(name) ?? undefined]));
  const found = useActivity(where);
  return (
    <Page title={t.activity.title}>
      <Text size="sm">{t.activity.about}</Text>
      <Group>
        {FILTERS.map((name) => (
          <Filter key={name} name={name} />
        ))}
      </Group>
      <Shown of={found}>
        {(data) => {
          const items = data.pages.flatMap((page) => page.items);
          if (items.length === 0) return <Empty title={t.activity.empty} about={t.activity.emptyAbout} />;
          return (
            <Stack>
              <Rows label={t.activity.title} head={[t.activity.at, t.activity.by, t.activity.action, t.activity.on, t.activity.detail, t.activity.from]}>
                {items.map((line) => (
                  <Table.Tr key={line.seq}>
                    <Table.Td title={instant(line.at)}>
                      <When at={line.at} />
                    </Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>
                      {line.by}{' '}
                      <Text size="xs" c="dimmed" component="span">
                        {t.activity.kinds[line.kind] ?? line.kind}
                      </Text>
                    </Table.Td>
                    <Table.Td style={{ whiteSpace: 'nowrap' }}>{line.action.replaceAll('-', ' ')}</Table.Td>
                    <Table.Td style={{ overflowWrap: 'anywhere' }}>{line.about || '–'}</Table.Td>
                    <Table.Td>
                      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                        {Object.entries(line.detail)
                          .map(([name, value]) => `${name}: ${value}`)
                          .join(', ') || '–'}
                      </Text>
                    </Table.Td>
                    <Table.Td>{line.address || '–'}</Table.Td>
                  </Table.Tr>
                ))}
              </Rows>
              <More query={found} />
            </Stack>
          );
        }}
      </Shown>
    </Page>
  );
}

function Filter({ name }: { name: (typeof FILTERS)[number] }) {
  const [parameters, change] = useParameters();
  const [text, setText] = useState(parameters.get(name) ?? '');
  const [settled] = useDebouncedValue(text, 300);
  useEffect(() => {
    if (settled !== (parameters.get(name) ?? '')) change({ [name]: settled });
    // Only what is typed changes the address here.
  }, [settled]);
  return <TextInput label={LABELS[name]} value={text} onChange={(event) => setText(event.currentTarget.value)} />;
}
