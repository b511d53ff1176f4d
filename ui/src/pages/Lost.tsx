import { Button } from '@mantine/core';
import { Link } from 'wouter';

import { t } from '../texts';
import { Empty, Page } from '../ui/parts';

export default function Lost() {
  return (
    <Page title={t.lost.title}>
      <Empty title={t.lost.title} about={t.lost.about}>
        <Button component={Link} href="/">
          {t.lost.home}
        </Button>
      </Empty>
    </Page>
  );
}
