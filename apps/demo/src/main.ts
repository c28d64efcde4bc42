document.title = 'Live room';
