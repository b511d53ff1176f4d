import { Code, Table, Text } from '@mantine/core';

import { useSettings } from '../api/queries';
import { t } from '../texts';
import { Empty, Page, Rows, Shown } from '../ui/parts';

export default function Settings() {
  const settings = useSettings();
  return (
    <Page title={t.settings.title}>
      <Text size="sm">{t.settings.about}</Text>
      <Shown of={settings} rows={8}>
        {(data) =>
          data.length === 0 ? (
            <Empty title={t.settings.empty} />
          ) : (
            <Rows label={t.settings.title} head={[t.settings.name, t.settings.value, t.settings.origin, t.settings.what]}>
              {data.map((one) => (
                <Table.Tr key={one.name}>
                  <Table.Td>
                    <Code>{one.name}</Code>
                  </Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{one.value === '' ? '–' : one.value}</Table.Td>
                  <Table.Td>
                    <Text size="sm" fw={one.origin === 'default' ? 400 : 600}>
                      {one.origin}
                    </Text>
                  </Table.Td>
                  <Table.Td>{one.about}</Table.Td>
                </Table.Tr>
              ))}
            </Rows>
          )
        }
      </Shown>
    </Page>
  );
}
