import platform

total = 0


def handler(event, context):
    global total
    for record in event["Records"]:
        count = len(record["Sns"]["Message"].split())
        total += count
        print(f"Python {platform.python_version()} counts {count} words, {total} since it started")
    return {"words": total}
